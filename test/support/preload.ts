// Elysia decides what an error may show when it loads; tests see what production sees.
process.env['NODE_ENV'] = 'production'
