/** One request of the collection: an operation of the document with what this place in the order needs. */
export interface Step {
  /** As in the document: `POST /v1/chatroom`. */
  operation: string
  /** Besides the operation's summary, where it comes more than once. */
  note?: string
  /** Replaces members of the document's example. */
  body?: Record<string, string>
  /** Path variables, by name. */
  path?: Record<string, string>
  query?: Record<string, string>
  headers?: Record<string, string>
  /** Of several acceptable ones, where the server's settings or timing decide. */
  statuses: number[]
  /** Collection variables taken from the answer: name to the path in its body. */
  captures?: Record<string, string>
  /** Variable that holds the bearer token; `token` unless said. */
  token?: string
  before?: string[]
}

export interface Folder {
  name: string
  description: string
  steps: Step[]
}

const PASSWORD = 'seven-oaks-under-a-lantern'
const room = { id: '{{chatroomId}}' }
const reply = { ...room, messageId: '{{replyId}}' }

/** Signs the body as Stripe does: HMAC-SHA-256 over time and body, with the endpoint's secret. */
const SIGN = [
  "const secret = pm.variables.get('stripeWebhookSecret')",
  'const time = String(Math.floor(Date.now() / 1000))',
  "const signed = time + '.' + pm.variables.replaceIn(pm.request.body.raw)",
  "const signature = require('crypto-js').HmacSHA256(signed, secret).toString()",
  "pm.request.headers.upsert({ key: 'Stripe-Signature', value: 't=' + time + ',v1=' + signature })",
]

/**
 * A person of their own at each run, as a number may ask for a code only so often. The numbers are those
 * set aside for fiction (555-01xx), so that no stranger is ever sent a code; each person has thirty lines of
 * an area, as one number cannot be two people.
 */
function newNumber(person: string): string[] {
  const lines = 30 * ['phone', 'secondPhone', 'thirdPhone'].indexOf(person)
  return [
    "const areas = ['202', '212', '213', '303', '305', '312', '404', '415', '503', '512', '602', '617', '702']",
    'const area = areas[Math.floor(Math.random() * areas.length)]',
    `const line = String(${lines} + Math.floor(Math.random() * 30)).padStart(2, '0')`,
    `const own = ${person === 'phone' ? "pm.variables.get('ownPhone')" : "''"}`,
    `pm.collectionVariables.set('${person}', own || '+1' + area + '55501' + line)`,
  ]
}

function logIn(person: string, token: string): Step[] {
  const phone = `{{${person}}}`
  const otp = `${person}Otp`
  const challenge = `${person}Challenge`
  return [
    {
      operation: 'POST /v1/auth/signup',
      note: person,
      body: { phone, password: PASSWORD },
      before: newNumber(person),
      statuses: [202],
    },
    {
      operation: 'POST /v1/auth/send-otp',
      note: person,
      body: { phone, password: PASSWORD },
      statuses: [202],
      captures: { [otp]: 'otp', [challenge]: 'challengeId' },
    },
    {
      operation: 'POST /v1/auth/verify-otp',
      note: person,
      body: { phone, otp: `{{${otp}}}`, challengeId: `{{${challenge}}}`, password: PASSWORD },
      statuses: [200],
      captures: { [token]: 'token', refreshToken: 'refreshToken' },
    },
  ]
}

/** Every operation at least once, in an order in which each finds what it needs. */
export const journey: Folder[] = [
  {
    name: '1 Server',
    description: 'Is it up, and where is its documentation?',
    steps: [
      { operation: 'GET /livez', statuses: [200] },
      { operation: 'GET /readyz', statuses: [200] },
      { operation: 'GET /swagger', statuses: [200] },
      { operation: 'GET /swagger/json', statuses: [200] },
      { operation: 'GET /problems/{slug}', path: { slug: 'validation' }, statuses: [200] },
      { operation: 'GET /metrics', token: 'metricsToken', statuses: [200, 401, 404] },
    ],
  },
  {
    name: '2 Log in',
    description:
      'With OTP_DELIVERY=response, as in development, the code is taken from the answer. Otherwise put your number into the variable ownPhone and the code you receive into phoneOtp.',
    steps: [
      ...logIn('phone', 'token'),
      {
        operation: 'POST /v1/auth/refresh',
        body: { refreshToken: '{{refreshToken}}' },
        statuses: [200],
        captures: { token: 'token', refreshToken: 'refreshToken' },
      },
    ],
  },
  {
    name: '3 Chat',
    description: 'A room, a prompt, its reply.',
    steps: [
      { operation: 'GET /v1/user/me', statuses: [200] },
      { operation: 'PATCH /v1/user/me', statuses: [200] },
      { operation: 'POST /v1/chatroom', statuses: [201], captures: { chatroomId: 'id' } },
      { operation: 'GET /v1/chatroom', query: { limit: '20' }, statuses: [200] },
      { operation: 'GET /v1/chatroom/{id}', path: room, statuses: [200] },
      { operation: 'PATCH /v1/chatroom/{id}', path: room, statuses: [200] },
      {
        operation: 'POST /v1/chatroom/{id}/message',
        path: room,
        statuses: [202],
        captures: { replyId: 'reply.id' },
      },
      {
        operation: 'GET /v1/chatroom/{id}/message/{messageId}',
        note: 'wait for the reply',
        path: reply,
        query: { wait: '25' },
        statuses: [200],
      },
      { operation: 'GET /v1/chatroom/{id}/message', path: room, statuses: [200] },
      { operation: 'GET /v1/chatroom/{id}/message/all', path: room, statuses: [200] },
      {
        operation: 'POST /v1/chatroom/{id}/message/{messageId}/regenerate',
        path: reply,
        statuses: [202],
        captures: { replyId: 'reply.id' },
      },
      {
        operation: 'POST /v1/chatroom/{id}/message/{messageId}/cancel',
        note: '409 when it was quicker',
        path: reply,
        statuses: [200, 409],
      },
      { operation: 'GET /v1/search', query: { q: 'Bergen' }, statuses: [200] },
    ],
  },
  {
    name: '4 Subscription',
    description: '503 where the server has no Stripe key; 409 while nothing is subscribed.',
    steps: [
      { operation: 'GET /v1/plans', statuses: [200, 503] },
      { operation: 'POST /v1/subscribe/pro', statuses: [200, 503] },
      { operation: 'GET /v1/subscription/status', statuses: [200] },
      { operation: 'POST /v1/subscription/portal', statuses: [200, 409, 503] },
      { operation: 'POST /v1/subscription/cancel', statuses: [200, 409, 503] },
      { operation: 'POST /v1/subscription/resume', statuses: [200, 409, 503] },
      { operation: 'POST /v1/subscription/sync', statuses: [200, 503] },
      {
        operation: 'POST /v1/webhook/stripe',
        note: '400 unless stripeWebhookSecret is the server’s',
        before: SIGN,
        statuses: [200, 400, 503],
      },
    ],
  },
  {
    name: '5 Clean up',
    description: 'Room, sessions, passwords. Each way to end a session needs one of its own.',
    steps: [
      { operation: 'DELETE /v1/chatroom/{id}', path: room, statuses: [204] },
      {
        operation: 'POST /v1/auth/change-password',
        body: { oldPassword: PASSWORD },
        statuses: [204],
      },
      { operation: 'DELETE /v1/auth/sessions', statuses: [204] },
      {
        operation: 'GET /v1/auth/sessions',
        statuses: [200],
        captures: { sessionId: 'items.0.id' },
      },
      {
        operation: 'DELETE /v1/auth/sessions/{id}',
        path: { id: '{{sessionId}}' },
        statuses: [204],
      },
      {
        operation: 'POST /v1/auth/forgot-password',
        body: { phone: '{{phone}}' },
        statuses: [202],
        captures: { phoneOtp: 'otp' },
      },
      {
        operation: 'POST /v1/auth/reset-password',
        body: { phone: '{{phone}}', otp: '{{phoneOtp}}' },
        statuses: [204],
      },
      ...logIn('secondPhone', 'secondToken'),
      { operation: 'POST /v1/auth/logout', token: 'secondToken', statuses: [204] },
      ...logIn('thirdPhone', 'thirdToken'),
      { operation: 'GET /v1/user/me/export', token: 'thirdToken', statuses: [200] },
      {
        operation: 'POST /v1/user/me/deletion-code',
        token: 'thirdToken',
        statuses: [202],
        captures: { deletionCode: 'otp' },
      },
      {
        operation: 'DELETE /v1/user/me',
        token: 'thirdToken',
        body: { otp: '{{deletionCode}}' },
        statuses: [202],
      },
    ],
  },
  {
    name: '6 Live',
    description:
      'The stream of a room does not end, so leave this folder out of a run; send a prompt meanwhile.',
    steps: [{ operation: 'GET /v1/chatroom/{id}/events', path: room, statuses: [200] }],
  },
]
