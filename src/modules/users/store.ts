export interface UserRow {
  id: string
  phone: string
  name: string | null
  hasPassword: boolean
  createdAt: number
}

/** What a user's own record asks of the database. */
export interface UserStore {
  find(userId: string): Promise<UserRow | undefined>
  rename(input: { userId: string; name: string | null; now: number }): Promise<void>
}
