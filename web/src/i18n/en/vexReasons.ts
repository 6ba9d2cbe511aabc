/** Why something is not affected, by OpenVEX's list. */
export const vexReasons = {
  component_not_present: 'The component is not in it',
  vulnerable_code_not_present: 'The vulnerable code is not in it',
  vulnerable_code_not_in_execute_path: 'The vulnerable code is never run',
  vulnerable_code_cannot_be_controlled_by_adversary: 'No attacker can reach the vulnerable code',
  inline_mitigations_already_exist: 'It is guarded against already',
} as const;
