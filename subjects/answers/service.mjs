// A service that answers, logs and counts as it should, and breaks the one habit that FAULTS names.
import { AsyncLocalStorage } from 'node:async_hooks'
import { createHmac, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto'
import express from 'express'
import helmet from 'helmet'
import pino from 'pino'
import prometheus from 'prom-client'

const faults = new Set((process.env.FAULTS ?? '').split(',').filter(Boolean))
const has = (fault) => faults.has(fault)
const { PORT, BACKEND, API_KEY, WEBHOOK_SECRET } = process.env
if (!WEBHOOK_SECRET && !has('webhook-without-secret')) {
  pino().fatal('WEBHOOK_SECRET is not set')
  process.exit(1)
}

const context = new AsyncLocalStorage()
const current = () => context.getStore() ?? {}
const logger = pino({ mixin: () => (has('logs-without-trace') ? { id: current().id } : { ...current() }) })
process.on('SIGUSR2', () => { if (!has('level-fixed')) logger.level = 'debug' })
process.on('SIGHUP', () => { if (!has('level-sticks')) logger.level = 'info' })

const buckets = has('metrics-one-bucket') ? [1] : [0.005, 0.01, 0.05, 0.1, 0.5, 1]
const labelNames = ['method', 'route', 'status']
const durations = new prometheus.Histogram({ name: 'http_request_duration_seconds', help: 'How long answers took', labelNames, buckets })
const requests = new prometheus.Counter({ name: 'http_requests_total', help: 'Requests by status', labelNames })

const app = express()
if (has('header-powered-by')) app.enable('x-powered-by')
else app.use(helmet())
if (has('cors-reflected')) {
  app.use((request, response, next) => {
    if (request.get('origin')) response.set({ 'access-control-allow-origin': request.get('origin'), 'access-control-allow-credentials': 'true' })
    next()
  })
}

let latest
app.use((request, response, next) => {
  const given = request.get('x-request-id') ?? ''
  const id = (has('id-unchecked') ? given : /^[\w-]{1,64}$/.test(given) && given) || randomUUID()
  const trace = /^00-([0-9a-f]{32})-/.exec(request.get('traceparent') ?? '')?.[1] ?? randomBytes(16).toString('hex')
  const store = has('id-not-logged') ? { trace } : { id, trace }
  latest = { id, trace }
  const begin = performance.now()
  if (!has('id-not-echoed') && !has('id-global')) response.set('x-request-id', id)
  response.on('finish', () => {
    const path = has('metrics-path') ? request.path : request.route?.path ?? 'unmatched'
    const status = has('metrics-without-status') ? '' : response.statusCode
    if (request.path !== '/metrics') {
      requests.labels(request.method, path, status).inc(has('metrics-twice') ? 2 : 1)
      if (!has('metrics-without-durations')) durations.labels(request.method, path, status).observe((performance.now() - begin) / 1000)
    }
    context.run(store, () => {
      const more = has('logs-headers') ? { headers: request.headers } : has('logs-query') ? { url: request.url } : {}
      logger.info({ status: response.statusCode, ...more }, 'answered')
      logger.debug({ route: path }, 'in detail')
      if (has('logs-text')) console.log(`${request.method} ${request.path} ${response.statusCode}`)
    })
  })
  context.run(store, next)
})

const problem = (status, code, message) => Object.assign(new Error(message), { status, code, told: true })

async function backend(request, path) {
  const { id, trace } = has('id-global') ? latest : request
  const headers = {}
  if (has('nothing-passed-on')) return (await fetch(BACKEND + path, { signal: AbortSignal.timeout(2000) })).json()
  headers['x-request-id'] = id
  if (has('trace-passed-through')) headers.traceparent = request.incoming ?? ''
  else if (!has('trace-dropped')) headers.traceparent = `00-${trace}-${randomBytes(8).toString('hex')}-01`
  const answer = await fetch(BACKEND + path, { headers, signal: AbortSignal.timeout(2000) })
  return answer.json()
}

const called = (request) => ({ id: request.get('x-request-id'), ...current(), incoming: request.get('traceparent') })

function guarded(request, response, next) {
  const [scheme, token] = (request.get('authorization') ?? '').split(' ')
  if (has('auth-any-token') && token) return next()
  if (has('auth-unsigned') && token) {
    try {
      if (JSON.parse(Buffer.from(token.split('.')[0], 'base64url')).alg === 'none') return next()
    } catch { /* no token */ }
  }
  if (has('auth-crashes') && token && token !== API_KEY) JSON.parse(token)
  const [given, right] = [Buffer.from(token ?? ''), Buffer.from(API_KEY)]
  const same = scheme === 'Bearer' && given.length === right.length && timingSafeEqual(given, right)
  next(same ? undefined : problem(401, 'unauthorized', 'credentials are needed'))
}

const kept = []
const limit = has('body-unbounded') ? '500mb' : '100kb'
const json = has('body-length-only')
  ? [
      (request, response, next) => next(Number(request.get('content-length') ?? 0) > 100_000 ? problem(413, 'too_large', 'the body is too large') : undefined),
      express.json({ limit: '500mb' }),
    ]
  : express.json({ limit })

app.get('/ready', (request, response) => response.json({}))
app.get('/metrics', async (request, response) => response.type(prometheus.register.contentType).send(await prometheus.register.metrics()))

app.get('/items/:id', guarded, async (request, response) => {
  const asked = called(request)
  await backend(asked, '/rows')
  if (has('memory-leak')) kept.push(Buffer.alloc(20_000, 1))
  if (has('id-global')) response.set('x-request-id', latest.id)
  response.json({ id: has('contract-type') ? '1' : 1, name: 'a' })
})

app.post('/items', has('auth-forgotten') ? (request, response, next) => next() : guarded, json, async (request, response) => {
  if (!request.is('json')) throw problem(415, 'media_type', 'JSON is needed')
  if (typeof request.body?.name !== 'string') {
    if (has('errors-two-shapes')) return response.status(422).json({ errors: ['name is missing'] })
    throw problem(422, 'invalid', 'name is missing')
  }
  await backend(called(request), '/rows')
  if (has('id-global')) response.set('x-request-id', latest.id)
  response.status(has('contract-status') ? 202 : 201).json({ id: 1, name: request.body.name })
})

const seen = new Set()
app.post('/hook', express.raw({ type: '*/*' }), async (request, response) => {
  const time = request.get('x-timestamp') ?? ''
  const age = Date.now() / 1000 - Number(time)
  const recent = has('webhook-future') ? !(age > 300) : /^\d+$/.test(time) && Math.abs(age) <= 300
  if (!recent && !has('webhook-any-age')) throw problem(401, 'old', 'the delivery is too old')
  const body = has('webhook-rewrites') ? JSON.stringify(JSON.parse(request.body)) : request.body
  const digest = createHmac('sha256', WEBHOOK_SECRET ?? '').update(`${time}.`).update(body).digest('hex')
  const [right, given] = [Buffer.from(`sha256=${digest}`), Buffer.from(request.get('x-signature') ?? '')]
  const same = has('webhook-crashes') ? timingSafeEqual(right, given) : right.length === given.length && timingSafeEqual(right, given)
  const unsigned = has('webhook-unsigned') && given.length === 0
  if (!same && !unsigned) throw problem(401, 'signature', 'the signature is not right')
  const { id } = JSON.parse(request.body)
  if (!seen.has(id) || has('webhook-twice')) {
    seen.add(id)
    await backend(called(request), '/rows')
  }
  response.json({})
})

app.use((request, response, next) => next(has('errors-page') ? undefined : problem(404, 'not_found', 'nothing is here')))
// Express knows an error handler by its four parameters.
app.use((error, request, response, next) => {
  const status = error.status ?? 500
  if (status >= 500) logger.error(error, 'failed')
  const message = error.told ? error.message : 'the request is not valid'
  const stack = has('errors-stack') ? { stack: error.stack } : {}
  response.status(has('errors-as-500') && !error.told ? 500 : status)
  response.json({ error: { code: error.told ? error.code : 'bad_request', message, ...stack } })
})
app.listen(Number(PORT), '127.0.0.1', () => logger.info('ready'))
if (has('logs-banner')) for (const line of ['', 'Shop 1.0', `http://localhost:${PORT}`]) console.log(line)
