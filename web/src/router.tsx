/**
 * The addresses of the portal. Each page is loaded when it is first shown.
 *
 * The server answers these addresses, and no others, with the portal's page: a new first part is
 * added to `crates/portal/src/lib.rs` too.
 */
import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  redirect,
} from '@tanstack/react-router';
import { session } from './api/session';
import { NotFound, PageFailure } from './shell/Fallbacks';
import { Shell } from './shell/Shell';
import { Waiting } from './ui/Notices';

function needsLogin({ location }: { location: { href: string } }) {
  if (!session.get().user) throw redirect({ to: '/login', search: { from: location.href } });
}

function needsAdmin(context: { location: { href: string } }) {
  needsLogin(context);
  const user = session.get().user;
  if (!user?.sysadmin_flag && !user?.admin_role_in_auth) throw redirect({ to: '/projects' });
}

const root = createRootRoute({ notFoundComponent: NotFound });

const login = createRoute({
  getParentRoute: () => root,
  path: 'login',
  validateSearch: (raw: Record<string, unknown>): { from?: string } => {
    const from = raw.from;
    // Only back into the portal, never to another server. What is refused is said to be nothing: a
    // key that is left out would stay as it was sent.
    return { from: typeof from === 'string' && /^\/(?![/\\])/.test(from) ? from : undefined };
  },
  component: lazyRouteComponent(() => import('./pages/Login'), 'Login'),
});

const index = createRoute({
  getParentRoute: () => root,
  path: '/',
  beforeLoad: () => {
    throw redirect({ to: session.get().user ? '/projects' : '/login' });
  },
});

const shell = createRoute({ getParentRoute: () => root, id: 'shell', component: Shell });
const inShell = () => shell;

const projects = createRoute({
  getParentRoute: inShell,
  path: 'projects',
  component: lazyRouteComponent(() => import('./pages/Projects'), 'Projects'),
});

const search = createRoute({
  getParentRoute: inShell,
  path: 'search',
  component: lazyRouteComponent(() => import('./pages/SearchResults'), 'SearchResults'),
});

const profile = createRoute({
  getParentRoute: inShell,
  path: 'profile',
  beforeLoad: needsLogin,
  component: lazyRouteComponent(() => import('./pages/Profile'), 'Profile'),
});

const logs = createRoute({
  getParentRoute: inShell,
  path: 'logs',
  beforeLoad: needsLogin,
  component: lazyRouteComponent(() => import('./pages/Logs'), 'Logs'),
});

const project = createRoute({
  getParentRoute: inShell,
  path: 'projects/$project',
  component: lazyRouteComponent(() => import('./pages/project/Project'), 'Project'),
});
const inProject = () => project;

const projectPages = [
  createRoute({
    getParentRoute: inProject,
    path: '/',
    component: lazyRouteComponent(() => import('./pages/project/Summary'), 'Summary'),
  }),
  createRoute({
    getParentRoute: inProject,
    path: 'repositories',
    component: lazyRouteComponent(() => import('./pages/project/Repositories'), 'Repositories'),
  }),
  createRoute({
    getParentRoute: inProject,
    path: 'members',
    component: lazyRouteComponent(() => import('./pages/project/Members'), 'Members'),
  }),
  createRoute({
    getParentRoute: inProject,
    path: 'labels',
    component: lazyRouteComponent(() => import('./pages/project/Labels'), 'ProjectLabels'),
  }),
  createRoute({
    getParentRoute: inProject,
    path: 'robots',
    component: lazyRouteComponent(() => import('./pages/project/Robots'), 'ProjectRobots'),
  }),
  createRoute({
    getParentRoute: inProject,
    path: 'webhooks',
    component: lazyRouteComponent(() => import('./pages/project/Webhooks'), 'Webhooks'),
  }),
  createRoute({
    getParentRoute: inProject,
    path: 'retention',
    component: lazyRouteComponent(() => import('./pages/project/Retention'), 'Retention'),
  }),
  createRoute({
    getParentRoute: inProject,
    path: 'immutability',
    component: lazyRouteComponent(() => import('./pages/project/Immutability'), 'Immutability'),
  }),
  createRoute({
    getParentRoute: inProject,
    path: 'vex',
    component: lazyRouteComponent(() => import('./pages/project/Vex'), 'Vex'),
  }),
  createRoute({
    getParentRoute: inProject,
    path: 'exports',
    component: lazyRouteComponent(() => import('./pages/project/CveExports'), 'CveExports'),
  }),
  createRoute({
    getParentRoute: inProject,
    path: 'logs',
    component: lazyRouteComponent(() => import('./pages/project/Logs'), 'ProjectLogs'),
  }),
  createRoute({
    getParentRoute: inProject,
    path: 'settings',
    component: lazyRouteComponent(() => import('./pages/project/Settings'), 'ProjectSettings'),
  }),
];

const repository = createRoute({
  getParentRoute: inShell,
  path: 'projects/$project/repositories/$repository',
  component: lazyRouteComponent(() => import('./pages/repository/Repository'), 'RepositoryPage'),
});

const artifact = createRoute({
  getParentRoute: inShell,
  path: 'projects/$project/repositories/$repository/artifacts/$reference',
  component: lazyRouteComponent(() => import('./pages/repository/Artifact'), 'ArtifactPage'),
});

const tag = createRoute({
  getParentRoute: inShell,
  path: 'projects/$project/repositories/$repository/tags/$tag',
  component: lazyRouteComponent(() => import('./pages/repository/TagHistory'), 'TagHistory'),
});

const admin = createRoute({
  getParentRoute: inShell,
  path: 'admin',
  beforeLoad: needsAdmin,
});
const inAdmin = () => admin;

const adminPages = [
  createRoute({
    getParentRoute: inAdmin,
    path: '/',
    beforeLoad: () => {
      throw redirect({ to: '/admin/health' });
    },
  }),
  createRoute({
    getParentRoute: inAdmin,
    path: 'users',
    component: lazyRouteComponent(() => import('./pages/admin/Users'), 'Users'),
  }),
  createRoute({
    getParentRoute: inAdmin,
    path: 'groups',
    component: lazyRouteComponent(() => import('./pages/admin/Groups'), 'Groups'),
  }),
  createRoute({
    getParentRoute: inAdmin,
    path: 'robots',
    component: lazyRouteComponent(() => import('./pages/admin/Robots'), 'SystemRobots'),
  }),
  createRoute({
    getParentRoute: inAdmin,
    path: 'labels',
    component: lazyRouteComponent(() => import('./pages/admin/Labels'), 'SystemLabels'),
  }),
  createRoute({
    getParentRoute: inAdmin,
    path: 'quotas',
    component: lazyRouteComponent(() => import('./pages/admin/Quotas'), 'Quotas'),
  }),
  createRoute({
    getParentRoute: inAdmin,
    path: 'security',
    component: lazyRouteComponent(() => import('./pages/admin/Security'), 'Security'),
  }),
  createRoute({
    getParentRoute: inAdmin,
    path: 'scanners',
    component: lazyRouteComponent(() => import('./pages/admin/Scanners'), 'Scanners'),
  }),
  createRoute({
    getParentRoute: inAdmin,
    path: 'advisories',
    component: lazyRouteComponent(() => import('./pages/admin/Advisories'), 'Advisories'),
  }),
  createRoute({
    getParentRoute: inAdmin,
    path: 'cleanup',
    component: lazyRouteComponent(() => import('./pages/admin/Cleanup'), 'Cleanup'),
  }),
  createRoute({
    getParentRoute: inAdmin,
    path: 'jobs',
    component: lazyRouteComponent(() => import('./pages/admin/Jobs'), 'Jobs'),
  }),
  createRoute({
    getParentRoute: inAdmin,
    path: 'settings',
    component: lazyRouteComponent(() => import('./pages/admin/Settings'), 'SystemSettings'),
  }),
  createRoute({
    getParentRoute: inAdmin,
    path: 'health',
    component: lazyRouteComponent(() => import('./pages/admin/Health'), 'Health'),
  }),
];

const tree = root.addChildren([
  login,
  index,
  shell.addChildren([
    projects,
    search,
    profile,
    logs,
    project.addChildren(projectPages),
    repository,
    artifact,
    tag,
    admin.addChildren(adminPages),
  ]),
]);

export const router = createRouter({
  routeTree: tree,
  defaultPreload: 'intent',
  defaultPendingComponent: Waiting,
  defaultErrorComponent: PageFailure,
  scrollRestoration: true,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
