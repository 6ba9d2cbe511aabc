/** What a project lets be pulled. */
export const pullRules = {
  limits: 'Most vulnerabilities of an image',
  limitsAbout:
    'An image with more cannot be pulled, nor can one that was not scanned. Empty: no limit. What is let pass does not count.',
  rule: 'Rule for pulls',
  ruleAbout:
    'An expression in CEL that must be true of an image for it to be pulled. Empty: no rule.',
  examples: 'Examples of rules',
  examplesFirst: 'Take one to begin with:',
  examplesMore: 'Ask for one of these as well:',
  names: 'Names that can be used',
  counts: 'How many vulnerabilities of that kind it has. What is let pass does not count.',
  language: 'Beside numbers and texts in quotation marks a rule may have:',
  unscanned:
    'A rule about counts, severity or distribution holds back what was not scanned. This one lets it pass:',
} as const;
