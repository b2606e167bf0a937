import { createRootRoute, createRoute, createRouter, lazyRouteComponent, Link, retainSearchParams, type ErrorComponentProps } from '@tanstack/react-router'
import { Empty, Failed, Loading } from '../ui/State'
import { analyticsSearch } from '../pages/analytics/search'
import { insightSearch, insightsSearch } from '../pages/insights/search'
import { mapSearch } from '../pages/map/search'
import { signInSearch } from '../pages/sign-in/search'
import { groupsSearch } from '../pages/groups/search'
import { samplingSearch } from '../pages/sampling/search'
import { statusSearch } from '../pages/status/search'
import { settingsSearch } from '../pages/settings/search'
import { traceSearch } from '../pages/trace/search'
import { tracesSearch } from '../pages/traces/search'
import { Page } from './Page'
import { parseSearch, printSearch, scopeOf, type RawSearch, type Scope } from './search'
import { Shell } from './Shell'

// The pages by path. Each is loaded when it is first gone to; its search.ts, which
// reads its part of the URL, is here from the start.

const root = createRootRoute({
  validateSearch: (raw: RawSearch): Scope => scopeOf(raw),
  search: { middlewares: [retainSearchParams<Scope>(['since', 'from', 'to', 'group', 'refresh'])] },
  component: Shell,
  notFoundComponent: NotFound,
})

const map = createRoute({
  getParentRoute: () => root,
  path: '/',
  validateSearch: mapSearch,
  component: lazyRouteComponent(() => import('../pages/map/MapPage'), 'MapPage'),
})

const traces = createRoute({
  getParentRoute: () => root,
  path: '/traces',
  validateSearch: tracesSearch,
  component: lazyRouteComponent(() => import('../pages/traces/TracesPage'), 'TracesPage'),
})

const signIn = createRoute({
  getParentRoute: () => root,
  path: '/sign-in',
  validateSearch: signInSearch,
  component: lazyRouteComponent(() => import('../pages/sign-in/SignInPage'), 'SignInPage'),
})

const analytics = createRoute({
  getParentRoute: () => root,
  path: '/analytics',
  validateSearch: analyticsSearch,
  component: lazyRouteComponent(() => import('../pages/analytics/AnalyticsPage'), 'AnalyticsPage'),
})

const insights = createRoute({
  getParentRoute: () => root,
  path: '/insights',
  validateSearch: insightsSearch,
  component: lazyRouteComponent(() => import('../pages/insights/InsightsPage'), 'InsightsPage'),
})

const insight = createRoute({
  getParentRoute: () => root,
  path: '/insights/$insightId',
  validateSearch: insightSearch,
  component: lazyRouteComponent(() => import('../pages/insights/InsightPage'), 'InsightPage'),
})

const settings = createRoute({
  getParentRoute: () => root,
  path: '/settings',
  validateSearch: settingsSearch,
  component: lazyRouteComponent(() => import('../pages/settings/SettingsPage'), 'SettingsPage'),
})

const groups = createRoute({
  getParentRoute: () => root,
  path: '/groups',
  validateSearch: groupsSearch,
  component: lazyRouteComponent(() => import('../pages/groups/GroupsPage'), 'GroupsPage'),
})

const sampling = createRoute({
  getParentRoute: () => root,
  path: '/sampling',
  validateSearch: samplingSearch,
  component: lazyRouteComponent(() => import('../pages/sampling/SamplingPage'), 'SamplingPage'),
})

const status = createRoute({
  getParentRoute: () => root,
  path: '/status',
  validateSearch: statusSearch,
  component: lazyRouteComponent(() => import('../pages/status/StatusPage'), 'StatusPage'),
})

const trace = createRoute({
  getParentRoute: () => root,
  path: '/traces/$trace',
  validateSearch: traceSearch,
  component: lazyRouteComponent(() => import('../pages/trace/TracePage'), 'TracePage'),
})

const tree = root.addChildren([map, traces, trace, analytics, insights, insight, signIn, settings, groups, sampling, status])

export const router = createRouter({
  routeTree: tree,
  parseSearch,
  stringifySearch: printSearch,
  // What no page reads is taken out of the URL: without this the router hands it to the
  // pages as it is, beside what they made of it.
  search: { strict: true },
  defaultPendingComponent: () => <Loading />,
  defaultErrorComponent: Broken,
})

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}

function NotFound() {
  return (
    <Page title="Not found">
      <Empty title="There is no page here" actions={<Link to="/">To the trace map</Link>}>
        The address may be mistyped, or of another version of Tomo.
      </Empty>
    </Page>
  )
}

/** What is shown instead of a page that broke. The others go on. */
function Broken({ error, reset }: ErrorComponentProps) {
  return (
    <Page title="Something broke">
      <Failed what="This page broke. It is our fault." error={error} retry={reset} />
    </Page>
  )
}
