import type Stripe from 'stripe'
import { SECOND } from '#src/lib/time.ts'
import { cancelling } from './api.ts'
import { ApiError } from './behaviour.ts'
import { html, pageOf } from './html.ts'
import type { StripeState } from './state.ts'

/** The checkout as a person sees it. */
export function payPage(state: StripeState, id: string): Response {
  const session = openSession(state, id)
  const declined = session.payment_status === 'unpaid' && session.metadata?.['declined'] === 'yes'
  const price = state.price(state.priceOf.get(id) ?? '')
  return pageOf(
    'Checkout',
    html`<div class="card narrow">
<p class="quiet">Subscribe to ${price.nickname}</p>
<p class="amount">${money(price.unit_amount, price.currency)}</p>
<p class="quiet">per ${price.recurring?.interval ?? 'period'}, until cancelled</p>
${declined ? html`<p class="bad" role="alert">Your card was declined. Try again.</p>` : null}
<form method="post"><button class="main" name="outcome" value="pay">Pay</button></form>
<form method="post"><button class="wide" name="outcome" value="decline">Decline the card</button></form>
<form method="post"><button class="wide" name="outcome" value="cancel">Cancel and go back</button></form>
<p class="quiet">Customer <code>${idOf(session.customer)}</code></p></div>`,
  )
}

/** Does what a button says; gives the page to go to next. */
export function takePayment(state: StripeState, id: string, form: URLSearchParams): string {
  const session = openSession(state, id)
  switch (form.get('outcome')) {
    case 'pay':
      state.pay(id)
      return (session.success_url ?? '/').replace('{CHECKOUT_SESSION_ID}', id)
    case 'decline':
      session.metadata = { ...session.metadata, declined: 'yes' }
      return `/pay/${id}`
    default:
      return session.cancel_url ?? '/'
  }
}

/** The customer portal. */
export function portalPage(state: StripeState, id: string): Response {
  const { customer, return_url } = portal(state, id)
  const rows = [...state.subscriptions.values()]
    .filter((one) => one.customer === customer && one.ended_at === null)
    .map((one) => {
      const end = one.items.data[0]?.current_period_end ?? 0
      const action = one.cancel_at_period_end ? 'resume' : 'cancel'
      return html`<p><b>${one.items.data[0]?.price.nickname}</b> · ${one.status}<br>
<span class="quiet">${one.cancel_at_period_end ? 'Ends' : 'Renews'} on ${day(end)}</span></p>
<form method="post"><input type="hidden" name="id" value="${one.id}">
<button class="main" name="action" value="${action}">${action === 'cancel' ? 'Cancel the subscription' : 'Do not cancel'}</button>
${one.status === 'past_due' ? html`<button class="wide" name="action" value="pay">Pay what is open</button>` : null}
</form>`
    })
  return pageOf(
    'Customer portal',
    html`<div class="card narrow"><h1>Your subscription</h1>
${rows.length > 0 ? rows : html`<p>There is none.</p>`}
${return_url === null ? null : html`<p><a href="${return_url}">Back</a></p>`}</div>`,
  )
}

export function takePortal(state: StripeState, id: string, form: URLSearchParams): string {
  const { customer } = portal(state, id)
  const one = state.subscription(form.get('id') ?? '')
  if (one.customer !== customer) throw new ApiError(404, 'This subscription is another’s.')
  switch (form.get('action')) {
    case 'cancel':
      state.change(one.id, cancelling(one, true))
      break
    case 'resume':
      state.change(one.id, cancelling(one, false))
      break
    case 'pay':
      state.setStatus(one.id, 'active')
  }
  return `/portal/${id}`
}

function openSession(state: StripeState, id: string): Stripe.Checkout.Session {
  const session = state.session(id)
  if (session.status === 'open' && session.expires_at > state.now()) return session
  throw new ApiError(410, 'This checkout is over: it was paid, or it expired.')
}

function portal(state: StripeState, id: string): Stripe.BillingPortal.Session {
  const session = state.portals.get(id)
  if (!session) throw new ApiError(404, 'This portal session is over. Ask for another.')
  return session
}

export function money(amount: number | null, currency: string): string {
  const format = new Intl.NumberFormat('en', { style: 'currency', currency })
  const digits = format.resolvedOptions().maximumFractionDigits ?? 2
  return format.format((amount ?? 0) / 10 ** digits)
}

export function day(seconds: number): string {
  return new Date(seconds * SECOND).toISOString().slice(0, 10)
}

export function idOf(value: string | { id: string } | null): string {
  return typeof value === 'string' ? value : (value?.id ?? '')
}
