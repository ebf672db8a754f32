// Files that the bundler embeds: SQL as text, pages' assets as a path inside the binary.
declare module '*.sql' {
  const text: string
  export default text
}
declare module '*.css' {
  const path: string
  export default path
}
declare module '*.html' {
  const path: string
  export default path
}
declare module '*.png' {
  const path: string
  export default path
}
declare module '*.js' {
  const path: string
  export default path
}
