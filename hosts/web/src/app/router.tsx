/** Which address is which page. Pages are loaded when somebody goes there. */
import { createRootRoute, createRoute, createRouter, lazyRouteComponent, redirect } from '@tanstack/react-router';
import { signedOut } from '@/api/problem';
import { meQuery } from '@/api/queries/me';
import { queryClient } from '@/api/queryClient';
import { ErrorPage } from './ErrorPage';
import { NotFoundPage } from './NotFoundPage';
import { isOver } from './over';
import { Pending } from './Pending';
import { Root } from './Root';

const root = createRootRoute({ component: Root, notFoundComponent: NotFoundPage });

/** What the sign-in page is told in its address. */
export interface SignInSearch {
  /** Where to go afterwards: a path of this site. */
  return?: string;
  /** "printed": the server printed a link. */
  sign_in?: string;
  /** Why one is here: "left" after signing out, "ended" when the session is over. */
  reason?: 'left' | 'ended';
}

function signInSearch(given: Record<string, unknown>): SignInSearch {
  const search: SignInSearch = {};
  if (typeof given.return === 'string' && /^\/(?![/\\])/.test(given.return)) search.return = given.return;
  if (given.sign_in === 'printed') search.sign_in = 'printed';
  if (given.reason === 'left' || given.reason === 'ended') search.reason = given.reason;
  return search;
}

/** Whether somebody is signed in; other failures are thrown. */
async function somebody(): Promise<boolean> {
  if (isOver()) return false;
  try {
    await queryClient.ensureQueryData(meQuery);
    return true;
  } catch (error) {
    if (signedOut(error)) return false;
    throw error;
  }
}

const loadLayout = () => import('@/app/AppLayout');
const loadChat = () => import('@/chat/ChatPage');
const signIn = lazyRouteComponent(() => import('@/pages/SignInPage'));

const index = createRoute({
  getParentRoute: () => root,
  path: '/',
  validateSearch: signInSearch,
  component: signIn,
  beforeLoad: async ({ search }) => {
    // Who has to sign in anew by a printed link is told where it is.
    if (search.sign_in !== 'printed' && (await somebody())) throw redirect({ to: '/chat', replace: true });
  },
});

const signInRoute = createRoute({
  getParentRoute: () => root,
  path: '/sign-in',
  validateSearch: signInSearch,
  component: signIn,
  beforeLoad: async ({ search }) => {
    if (await somebody()) throw redirect({ href: search.return ?? '/chat', replace: true });
  },
});

const requestAccess = createRoute({
  getParentRoute: () => root,
  path: '/request-access',
  component: lazyRouteComponent(() => import('@/pages/RequestAccessPage')),
});

const invitation = createRoute({
  getParentRoute: () => root,
  path: '/invitation',
  component: lazyRouteComponent(() => import('@/pages/InvitationPage')),
});

/** Everything within the shell: somebody is signed in. */
const app = createRoute({
  getParentRoute: () => root,
  id: 'app',
  component: lazyRouteComponent(loadLayout),
  beforeLoad: async ({ location }) => {
    // Their files come while the server says who it is. One that fails is asked for again.
    void loadLayout().catch(() => undefined);
    if (location.pathname.startsWith('/chat')) void loadChat().catch(() => undefined);
    if (!(await somebody())) throw redirect({ to: '/sign-in', search: { return: location.href }, replace: true });
  },
});

const page = <const Path extends string>(path: Path, load: Parameters<typeof lazyRouteComponent>[0]) =>
  createRoute({ getParentRoute: () => app, path, component: lazyRouteComponent(load) });

// The page of /chat stays while its child, the thread, changes.
const chat = page('/chat', loadChat);
const chatIndex = createRoute({ getParentRoute: () => chat, path: '/' });
const chatThread = createRoute({ getParentRoute: () => chat, path: '$thread' });

const keys = page('/keys', () => import('@/pages/KeysPage'));
const sessions = page('/sessions', () => import('@/pages/SessionsPage'));
const members = page('/members', () => import('@/pages/MembersPage'));
const setup = page('/setup', () => import('@/pages/SetupPage'));
const operatorRequests = page('/operator/requests', () => import('@/pages/OperatorRequestsPage'));

export const router = createRouter({
  routeTree: root.addChildren([
    index,
    signInRoute,
    requestAccess,
    invitation,
    app.addChildren([chat.addChildren([chatIndex, chatThread]), keys, sessions, members, setup, operatorRequests]),
  ]),
  defaultPreload: 'intent',
  defaultErrorComponent: ErrorPage,
  defaultPendingComponent: Pending,
  defaultPendingMs: 250,
  scrollRestoration: false,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
