import { fromSource } from '#test/support/server.ts'
import { describeProgram } from './suite.ts'

describeProgram('The program from source', async () => ({ command: fromSource }))
