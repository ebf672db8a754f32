import type Stripe from 'stripe'
import { SECOND } from '#src/lib/time.ts'
import { cancelling } from './api.ts'
import { ApiError, type StripeBehaviour } from './behaviour.ts'
import type { Deliveries } from './deliveries.ts'
import { html, pageOf } from './html.ts'
import { REFUSALS } from './refusals.ts'
import { day, idOf } from './shop.ts'
import type { StripeState } from './state.ts'

const STATES = [
  'active',
  'trialing',
  'past_due',
  'unpaid',
  'paused',
  'incomplete',
  'incomplete_expired',
  'canceled',
  'a_state_of_tomorrow',
] satisfies Stripe.Subscription.Status[]
const ACTIONS = [
  ['renew', 'Renew, paid'],
  ['renew-unpaid', 'Renew, card fails'],
  ['cancel-at-end', 'Cancel at period end'],
  ['resume', 'Resume'],
] as const
const FAULTS: Record<string, StripeBehaviour> = {
  '429': { kind: 'status', status: 429, retryAfter: 2 },
  '500': { kind: 'status', status: 500 },
  '401': { kind: 'status', status: 401 },
  hang: { kind: 'hang' },
  'lose the answer': { kind: 'lose' },
  ...Object.fromEntries(
    Object.entries(REFUSALS).map(([name, refusal]) => [name, { kind: 'error', ...refusal }]),
  ),
}
const SHOWN_EVENTS = 40

/** What the pages show and change. */
export interface Controlled {
  state: StripeState
  deliveries: Deliveries
  /** The next `count` calls of the API do this. */
  failNext(behaviour: StripeBehaviour, count: number): void
}

/** Everything the stand-in knows, and buttons to make it happen. */
export function controlPage({ state, deliveries }: Controlled): Response {
  const subscriptions = [...state.subscriptions.values()].reverse().map(
    (
      one,
    ) => html`<tr><td><code>${one.id}</code><br><span class="quiet">${idOf(one.customer)}</span></td>
<td><b>${one.status}</b>${one.cancel_at_period_end ? ', ends with the period' : null}<br>
<span class="quiet">until ${day(one.items.data[0]?.current_period_end ?? 0)}</span></td>
<td>${form({ id: one.id }, 'status', STATES)}<br>${form({ id: one.id }, 'action', ACTIONS)}</td></tr>`,
  )
  const events = state.events
    .slice(-SHOWN_EVENTS)
    .reverse()
    .map((event) => {
      const tries = deliveries.log.filter(({ eventId }) => eventId === event.id)
      const shown = tries.map(({ status }) => status ?? 'no answer').join(', ')
      const held = deliveries.held.includes(event)
      return html`<tr><td>${event.type}<br><code class="quiet">${event.id}</code></td>
<td>${held ? 'held back' : shown || 'not sent yet'}</td>
<td>${form({ event: event.id }, 'send', [
        ['1', 'Resend'],
        ['5', 'Five times at once'],
      ])}</td></tr>`
    })
  const sessions = [...state.sessions.values()]
    .filter(({ status }) => status === 'open')
    .map(({ id, url }) => html`<p><a href="${url ?? '#'}">${id}</a></p>`)
  return pageOf(
    'Stripe stand-in',
    html`<h1>Stripe stand-in</h1>
<div class="card"><h2>Subscriptions</h2><table>${subscriptions}</table>
${subscriptions.length === 0 ? html`<p class="quiet">None yet: POST /v1/subscribe/pro, open the page, click Pay.</p>` : null}</div>
<div class="card"><h2>Open checkouts</h2>${sessions.length === 0 ? html`<p class="quiet">None.</p>` : sessions}</div>
<div class="card"><h2>Deliveries</h2><p class="quiet">To ${deliveries.target ?? 'nowhere yet'};
${deliveries.held.length} held back; delay ${deliveries.delayMs / SECOND} s.</p>
${form({}, 'action', [
  ['hold', 'Hold back from now on'],
  ['release', 'Release in order'],
  ['release-reversed', 'Release the last first'],
  ['delay-0', 'No delay'],
  ['delay-10', 'Delay by 10 s'],
])}<table>${events}</table></div>
<div class="card"><h2>The next call of the API</h2>${form({}, 'fault', Object.keys(FAULTS))}</div>`,
  )
}

/** Does what a button of the control page says. */
export function takeControl(options: Controlled, posted: URLSearchParams): void {
  const { state, deliveries, failNext } = options
  const id = posted.get('id') ?? ''
  const setCancel = (cancel: boolean) =>
    state.change(id, cancelling(state.subscription(id), cancel))
  const actions: Record<string, () => unknown> = {
    renew: () => state.renew(id, true),
    'renew-unpaid': () => state.renew(id, false),
    'cancel-at-end': () => setCancel(true),
    resume: () => setCancel(false),
    hold: () => deliveries.hold(),
    release: () => deliveries.release(),
    'release-reversed': () => deliveries.release('reversed'),
    'delay-0': () => {
      deliveries.delayMs = 0
    },
    'delay-10': () => {
      deliveries.delayMs = 10 * SECOND
    },
  }
  actions[posted.get('action') ?? '']?.()

  const status = posted.get('status')
  if (status !== null) state.setStatus(id, status as Stripe.Subscription.Status)

  const fault = FAULTS[posted.get('fault') ?? '']
  if (fault) failNext(fault, 1)

  if (!posted.has('event')) return
  const event = state.events.find((one) => one.id === posted.get('event'))
  if (!event) throw new ApiError(404, 'There is no such event.')
  const copies = Math.min(20, Number(posted.get('send') ?? 1))
  for (let copy = 0; copy < copies; copy++) deliveries.send(event)
}

/** Buttons that all send the same hidden fields and one value each. */
function form(
  hidden: Record<string, string>,
  name: string,
  values: readonly (string | readonly [value: string, label: string])[],
) {
  const buttons = values.map((value) => {
    const [sent, label] = typeof value === 'string' ? [value, value] : value
    return html`<button name="${name}" value="${sent}">${label}</button>`
  })
  const fields = Object.entries(hidden).map(
    ([key, value]) => html`<input type="hidden" name="${key}" value="${value}">`,
  )
  return html`<form method="post" action="/">${fields}${buttons}</form>`
}
