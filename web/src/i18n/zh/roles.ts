import type { roles as english } from '../en/roles';
import type { Translated } from '../translate';

export const roles: Translated<typeof english> = {
  projectAdmin: '项目管理员',
  maintainer: '维护者',
  developer: '开发者',
  guest: '访客',
  limitedGuest: '受限访客',
  projectAdminAbout: '项目内的全部权限，包括成员管理',
  maintainerAbout: '推送、拉取和删除',
  developerAbout: '推送和拉取',
  guestAbout: '拉取并查看成员',
  limitedGuestAbout: '仅拉取',
};
