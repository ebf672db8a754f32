/** What billing takes from the configuration; undefined as a whole where Stripe is not configured. */
export interface BillingSettings {
  secretKey: string
  webhookSecrets: readonly string[]
  /** Prices that make a user Pro; the first is sold. */
  proPrices: readonly string[]
  /** Another address of the Stripe API. */
  apiBase: string | undefined
  /** Longest wait for one answer of Stripe. */
  timeoutMs: number
  successUrl: string
  cancelUrl: string
  portalReturnUrl: string
  promotionCodes: boolean
  automaticTax: boolean
}

/** Live and test mode are two worlds; the key says which one we are in. */
export function isLiveKey(secretKey: string): boolean {
  return /^(sk|rk)_live_/.test(secretKey)
}
