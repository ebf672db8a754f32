import type { StripeRefusal } from './behaviour.ts'

/** What the real API says where an account is not set up, word for word as far as it is published. */
export const REFUSALS = {
  'wrong mode': {
    status: 404,
    code: 'resource_missing',
    param: 'price',
    message:
      "No such price: 'price_1'; a similar object exists in live mode, but a test mode key was used to make this request.",
  },
  'portal not configured': {
    status: 400,
    message:
      'No configuration provided and your test mode default configuration has not been created. Provide a configuration or create your default by saving your customer portal settings in test mode at https://dashboard.stripe.com/test/settings/billing/portal.',
  },
  'price inactive': {
    status: 400,
    param: 'line_items[0][price]',
    message: 'The price specified is inactive. This field only accepts active prices.',
  },
  'no such price': {
    status: 400,
    code: 'resource_missing',
    param: 'line_items[0][price]',
    message: "No such price: 'price_none'",
  },
  'product inactive': {
    status: 400,
    code: 'product_inactive',
    message: 'This price is not available to be purchased because its product is not active.',
  },
  'combined currencies': {
    status: 400,
    message:
      'You cannot combine currencies on a single customer. This customer has an active subscription, subscription schedule, discount, quote, or invoice item with currency usd',
  },
  'tax not activated': {
    status: 400,
    code: 'stripe_tax_inactive',
    message:
      'Stripe Tax has not been activated on your account. Please visit https://stripe.com/docs/tax/set-up to get started.',
  },
  'tax location': {
    status: 400,
    code: 'customer_tax_location_invalid',
    message:
      "The customer's location isn't recognized. Set a valid customer address in order to automatically calculate tax.",
  },
  'head office': {
    status: 400,
    message:
      'You must have a valid head office address to enable automatic tax calculation in test mode. Visit https://dashboard.stripe.com/test/settings/tax to update it.',
  },
  'account name missing': {
    status: 400,
    message:
      'In order to use Checkout, you must set an account or business name at https://dashboard.stripe.com/account.',
  },
  'account not activated': {
    status: 400,
    code: 'testmode_charges_only',
    message: 'Your account has not been activated and can only make test charges.',
  },
  'no payment method': {
    status: 400,
    message:
      'No valid payment method types for this Checkout Session. Please ensure that you have activated payment methods compatible with your chosen currency in your dashboard.',
  },
  'return address': {
    status: 400,
    code: 'url_invalid',
    param: 'success_url',
    message: 'Not a valid URL',
  },
  'key expired': {
    status: 401,
    code: 'api_key_expired',
    message: 'Expired API Key provided: sk_test_*******1234',
  },
  'permission missing': {
    status: 403,
    message:
      "The provided key 'rk_test_*******1234' does not have the required permissions for this endpoint on account 'acct_1'.",
  },
  'unknown refusal': {
    status: 400,
    code: 'a_code_of_tomorrow',
    message: 'This cannot be done.',
  },
} as const satisfies Record<string, StripeRefusal>
