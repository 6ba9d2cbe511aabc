import type { failureTitles as english } from '../en/failureTitles';
import type { Translated } from '../translate';

export const failureTitles: Translated<typeof english> = {
  NO_ANSWER: '没有响应',
  UNAUTHORIZED: '未登录',
  FORBIDDEN: '没有权限',
  DENIED: '没有权限',
  NOT_FOUND: '未找到',
  CONFLICT: '已存在或正在使用',
  PRECONDITION: '当前状态不允许',
  PROJECTPOLICYVIOLATION: '项目规则不允许',
  TOOMANYREQUESTS: '尝试次数过多',
  STORAGE_FULL: '磁盘已满',
  UNPROCESSABLE_ENTITY: '值无效',
  BAD_REQUEST: '提交的内容有误',
  UNAVAILABLE: '服务器繁忙或正在启动',
  UNKNOWN: '服务器出错',
  status_404: '未找到',
  status_412: '当前状态不允许',
  status_413: '内容过大',
  status_502: '服务器没有响应',
  status_503: '服务器繁忙或正在启动',
  status_504: '服务器响应超时',
};
