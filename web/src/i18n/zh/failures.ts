import type { failures as english } from '../en/failures';
import type { Translated } from '../translate';

export const failures: Translated<typeof english> = {
  other: '请重试。如果问题依旧，请将请求编号告知管理员。',
  NO_ANSWER: '服务器没有响应。请检查服务器是否运行以及网络连接，然后重试。',
  UNAUTHORIZED: '请检查用户名和密码，两者均区分大小写。',
  FORBIDDEN: '您的角色不允许此操作。请联系项目管理员或系统管理员。',
  DENIED: '您的角色不允许此操作。请联系项目管理员或系统管理员。',
  NOT_FOUND: '它可能已被删除，或者您无权查看。请返回并重新查看列表。',
  CONFLICT: '它已存在或正在使用。请换一个名称，或查看现有内容。',
  PRECONDITION: '当前状态不允许此操作，例如标签不可变或项目非空。请先更改该状态。',
  TOOMANYREQUESTS: '请稍候：尝试次数过多。',
  STORAGE_FULL: '磁盘已满。管理员需要释放空间或进行垃圾回收。',
  UNPROCESSABLE_ENTITY: '某个字段的值无效。请更正后重试。',
  BAD_REQUEST: '提交的内容有误。请更正后重试。',
  UNAVAILABLE: '服务器繁忙或正在启动，请稍后重试。',
  status_413: '提交的内容过大。',
  status_502: '中间服务器未得到响应，请稍后重试。',
  status_503: '服务器繁忙或正在启动，请稍后重试。',
  status_504: '中间服务器未及时得到响应，请稍后重试。',
};
