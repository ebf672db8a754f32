import type Stripe from 'stripe'
import type { Alarm } from '#src/lib/meters.ts'

/** A refusal of Stripe that lasts until an operator changes something. */
export interface SetupFault {
  alarm: Alarm
  /** What the operator does about it. */
  remedy: string
}

interface Rule extends SetupFault {
  code?: RegExp
  param?: RegExp
  message?: RegExp
}

/**
 * The first rule of which one pattern matches decides. Codes are those of https://docs.stripe.com/error-codes; several
 * of these refusals have no code, only a message.
 */
const RULES: readonly Rule[] = [
  {
    alarm: 'stripe-mode',
    remedy:
      'STRIPE_SECRET_KEY and STRIPE_PRO_PRICES are of different modes. Take both from live mode, or both from test mode.',
    code: /^livemode_mismatch$/,
    message: /similar object exists in (live|test) mode/i,
  },
  {
    alarm: 'stripe-portal',
    remedy:
      'Save the customer portal once, in the mode of the key: Settings → Billing → Customer portal.',
    message: /portal (settings|configuration)|default configuration has not been created/i,
  },
  {
    alarm: 'stripe-price',
    remedy:
      'Put an active recurring price of an active product first in STRIPE_PRO_PRICES; pollux doctor checks it.',
    code: /^(product_inactive|price_inactive|sku_inactive)$/,
    param: /price/,
    message:
      /no such (price|product|plan)|(price|product|plan)\b.*\b(inactive|not active|archived)/i,
  },
  {
    alarm: 'stripe-currency',
    remedy:
      'The customer has paid in another currency before. Add that currency to the price that is sold (currency options), or sell a price in it.',
    code: /currency_mismatch$/,
    message: /combine currenc|currency .*does not match|match.* customer.?s? currency/i,
  },
  {
    alarm: 'stripe-tax',
    remedy:
      'Set up Stripe Tax (Settings → Tax: head office address and registrations), or set STRIPE_AUTOMATIC_TAX=false.',
    code: /^(stripe_tax_inactive|customer_tax_location_invalid|invalid_tax_location|taxes_calculation_failed|failed_tax_calculation|tax_id_\w+)$/,
    param: /^automatic_tax/,
    message: /stripe tax|automatic tax|tax (location|calculation)|head office|origin address/i,
  },
  {
    alarm: 'stripe-payment-methods',
    remedy:
      'Activate a payment method for subscriptions in the currency of the price: Settings → Payments → Payment methods.',
    code: /^(payment_method_unactivated|payment_method_configuration_failures|invoice_no_payment_method_types)$/,
    message: /no valid payment method types|payment method.*(activate|not available)/i,
  },
  {
    alarm: 'stripe-activation',
    remedy:
      'Finish the activation of the Stripe account, and give it a business name: https://dashboard.stripe.com/account',
    code: /^(testmode_charges_only|account_(invalid|closed|country_invalid_address|information_mismatch|error_\w+)|capability_not_active|country_unsupported|no_account|platform_account_required|not_allowed_on_standard_account|progressive_onboarding_limit_exceeded)$/,
    message:
      /account or business name|activate your account|account (is not|has not been|cannot|can't)|live charges/i,
  },
  {
    alarm: 'stripe-return-url',
    remedy:
      'Give https addresses in PUBLIC_URL, STRIPE_SUCCESS_URL, STRIPE_CANCEL_URL and STRIPE_PORTAL_RETURN_URL.',
    code: /^url_invalid$/,
    param: /^(success|cancel|return)_url$/,
    message: /not a valid url|invalid url/i,
  },
]

const KEY: SetupFault = {
  alarm: 'stripe-key',
  remedy: 'Stripe refuses STRIPE_SECRET_KEY. Give a valid secret key and restart.',
}

const PERMISSION: SetupFault = {
  alarm: 'stripe-permission',
  remedy:
    'The restricted key needs to write customers, checkout sessions, subscriptions and customer-portal sessions, and to read prices, events and webhook endpoints.',
}

/** Undefined where the refusal is not known to need an operator. */
export function setupFaultOf(error: Stripe.errors.StripeError): SetupFault | undefined {
  const { statusCode, code = '', param = '', message } = error
  if (statusCode === undefined || statusCode === 409 || statusCode === 429 || statusCode >= 500) {
    return undefined
  }
  if (statusCode === 401 || /^(platform_)?api_key_expired$|^secret_key_required$/.test(code))
    return KEY
  const rule = RULES.find(
    (one) => one.code?.test(code) || one.param?.test(param) || one.message?.test(message),
  )
  if (rule) return { alarm: rule.alarm, remedy: rule.remedy }
  return statusCode === 403 ? PERMISSION : undefined
}
