/** Roles of projects. */
export const roles = {
  projectAdmin: 'Project administrator',
  maintainer: 'Maintainer',
  developer: 'Developer',
  guest: 'Guest',
  limitedGuest: 'Limited guest',
  projectAdminAbout: 'Everything in the project, members included',
  maintainerAbout: 'Push, pull and delete',
  developerAbout: 'Push and pull',
  guestAbout: 'Pull, and see the members',
  limitedGuestAbout: 'Pull only',
} as const;
