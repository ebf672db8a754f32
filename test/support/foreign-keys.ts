/** What each row refers to, and what happens to it when that is deleted. */
export const foreignKeys: Record<string, { to: string; onDelete: 'CASCADE' | 'SET NULL' }> = {
  'sessions.user_id': { to: 'users.id', onDelete: 'CASCADE' },
  'refresh_tokens.session_id': { to: 'sessions.id', onDelete: 'CASCADE' },
  'otp_challenges.user_id': { to: 'users.id', onDelete: 'CASCADE' },
  'chatrooms.user_id': { to: 'users.id', onDelete: 'CASCADE' },
  'messages.chatroom_id': { to: 'chatrooms.id', onDelete: 'CASCADE' },
  'messages.reply_to': { to: 'messages.id', onDelete: 'CASCADE' },
  'billing_customers.user_id': { to: 'users.id', onDelete: 'SET NULL' },
  'subscriptions.customer_id': { to: 'billing_customers.id', onDelete: 'CASCADE' },
  'checkout_sessions.customer_id': { to: 'billing_customers.id', onDelete: 'CASCADE' },
}
