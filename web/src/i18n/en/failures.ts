/** What to do about a failure, by code or status. */
export const failures = {
  other: 'Try again. If it stays so, give an administrator the number of the request.',
  NO_ANSWER:
    'The server did not answer. See whether it runs and whether you are connected, then try again.',
  UNAUTHORIZED: 'Check the name and the password; both are case-sensitive.',
  FORBIDDEN: 'Your role does not allow this. Ask an administrator of the project or of the system.',
  DENIED: 'Your role does not allow this. Ask an administrator of the project or of the system.',
  NOT_FOUND: 'It may have been deleted, or you may not see it. Go back and look at the list again.',
  CONFLICT: 'It is there already, or in use. Choose another name, or look at what there is.',
  PRECONDITION:
    'The state of things does not allow it, such as an immutable tag or a project that is not empty. Change that first.',
  TOOMANYREQUESTS: 'Wait a little: there were too many attempts.',
  STORAGE_FULL: 'The disk is full. An administrator has to free space or collect garbage.',
  UNPROCESSABLE_ENTITY: 'A field has a value that it cannot have. Correct it and try again.',
  BAD_REQUEST: 'Something in what was sent cannot be. Correct it and try again.',
  UNAVAILABLE: 'The server is busy or starting. Try again in a moment.',
  status_413: 'What was sent is too large.',
  status_502: 'A server in between got no answer. Try again in a moment.',
  status_503: 'The server is busy or starting. Try again in a moment.',
  status_504: 'A server in between got no answer in time. Try again in a moment.',
} as const;
