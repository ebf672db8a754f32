import type Stripe from 'stripe'
import { newId } from './objects.ts'

export interface NewSession {
  base: string
  customer: string
  price: Stripe.Price
  now: number
  expiresAt: number
  successUrl: string
  cancelUrl: string | null
  clientReferenceId: string | null
  metadata: Record<string, string>
  allowPromotionCodes: boolean
  automaticTax: boolean
}

/** Every field of the pinned API version. */
export function newSession(values: NewSession): Stripe.Checkout.Session {
  const id = newId(values.price.livemode ? 'cs_live' : 'cs_test')
  const amount = values.price.unit_amount
  return {
    id,
    object: 'checkout.session',
    adaptive_pricing: null,
    after_expiration: null,
    allow_promotion_codes: values.allowPromotionCodes,
    allowed_payment_method_types: null,
    amount_subtotal: amount,
    amount_total: amount,
    automatic_tax: { enabled: values.automaticTax, liability: null, provider: null, status: null },
    billing_address_collection: null,
    cancel_url: values.cancelUrl,
    client_reference_id: values.clientReferenceId,
    client_secret: null,
    collected_information: null,
    consent: null,
    consent_collection: null,
    created: values.now,
    currency: values.price.currency,
    currency_conversion: null,
    custom_fields: [],
    custom_text: {
      after_submit: null,
      shipping_address: null,
      submit: null,
      terms_of_service_acceptance: null,
    },
    customer: values.customer,
    customer_account: null,
    customer_creation: null,
    customer_details: null,
    customer_email: null,
    discounts: [],
    expires_at: values.expiresAt,
    integration_identifier: null,
    invoice: null,
    invoice_creation: null,
    livemode: values.price.livemode,
    locale: null,
    managed_payments: null,
    metadata: values.metadata,
    mode: 'subscription',
    origin_context: null,
    payment_intent: null,
    payment_link: null,
    payment_method_collection: 'always',
    payment_method_configuration_details: null,
    payment_method_options: null,
    payment_method_types: ['card'],
    payment_status: 'unpaid',
    permissions: null,
    recovered_from: null,
    saved_payment_method_options: null,
    setup_intent: null,
    shipping_address_collection: null,
    shipping_cost: null,
    shipping_options: [],
    status: 'open',
    submit_type: null,
    subscription: null,
    success_url: values.successUrl,
    total_details: null,
    ui_mode: 'hosted_page',
    url: `${values.base}/pay/${id}`,
    wallet_options: null,
  }
}
