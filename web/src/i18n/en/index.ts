import { accessories } from './accessories';
import { actions } from './actions';
import { advisories } from './advisories';
import { artifacts } from './artifacts';
import { cleanup } from './cleanup';
import { common } from './common';
import { cveExports } from './cveExports';
import { doubtAdvice } from './doubtAdvice';
import { doubtTitles } from './doubtTitles';
import { events } from './events';
import { failures } from './failures';
import { failureTitles } from './failureTitles';
import { fixStates } from './fixStates';
import { groups } from './groups';
import { health } from './health';
import { jobKinds } from './jobKinds';
import { jobs } from './jobs';
import { kinds } from './kinds';
import { labels } from './labels';
import { login } from './login';
import { logs } from './logs';
import { members } from './members';
import { nav } from './nav';
import { operations } from './operations';
import { outcomes } from './outcomes';
import { packageKinds } from './packageKinds';
import { parameters } from './parameters';
import { parts } from './parts';
import { profile } from './profile';
import { project } from './project';
import { projectSettings } from './projectSettings';
import { projects } from './projects';
import { pullCounts } from './pullCounts';
import { pullExamples } from './pullExamples';
import { pullNames } from './pullNames';
import { pullRules } from './pullRules';
import { quotas } from './quotas';
import { reasons } from './reasons';
import { repositories } from './repositories';
import { resources } from './resources';
import { resourceTypes } from './resourceTypes';
import { retention } from './retention';
import { robots } from './robots';
import { roles } from './roles';
import { rules } from './rules';
import { sboms } from './sboms';
import { scanAll } from './scanAll';
import { scannerLogins } from './scannerLogins';
import { scanners } from './scanners';
import { schedule } from './schedule';
import { search } from './search';
import { security } from './security';
import { settingNames } from './settingNames';
import { settings } from './settings';
import { severities } from './severities';
import { severityMarks } from './severityMarks';
import { shell } from './shell';
import { status } from './status';
import { table } from './table';
import { tagRules } from './tagRules';
import { targets } from './targets';
import { templates } from './templates';
import { triggers } from './triggers';
import { users } from './users';
import { vex } from './vex';
import { vexReasons } from './vexReasons';
import { vexStates } from './vexStates';
import { vulnerabilities } from './vulnerabilities';
import { webhooks } from './webhooks';

/** All texts in English: the catalog that others translate. */
export const en = {
  accessories,
  actions,
  advisories,
  artifacts,
  cleanup,
  common,
  cveExports,
  doubtAdvice,
  doubtTitles,
  events,
  failures,
  failureTitles,
  fixStates,
  groups,
  health,
  jobKinds,
  jobs,
  kinds,
  labels,
  login,
  logs,
  members,
  nav,
  operations,
  outcomes,
  packageKinds,
  parameters,
  parts,
  profile,
  project,
  projects,
  projectSettings,
  pullCounts,
  pullExamples,
  pullNames,
  pullRules,
  quotas,
  reasons,
  repositories,
  resources,
  resourceTypes,
  retention,
  robots,
  roles,
  rules,
  scanAll,
  sboms,
  scannerLogins,
  scanners,
  schedule,
  search,
  security,
  settingNames,
  settings,
  severities,
  severityMarks,
  shell,
  status,
  table,
  tagRules,
  targets,
  templates,
  triggers,
  users,
  vex,
  vexReasons,
  vexStates,
  vulnerabilities,
  webhooks,
};
