// Imported before everything else: Elysia decides when it loads how much an error may show, and a binary
// started without NODE_ENV must show what production shows.
process.env['NODE_ENV'] ||= 'production'
