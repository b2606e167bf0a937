import { getRouteApi } from '@tanstack/react-router'
import { useId, useState, type Ref } from 'react'
import type { SampledRequest, SamplingTest } from '../../api/sampling'
import { Button } from '../../ui/Button'
import { Icon } from '../../ui/Icon'
import { Frame, TextField } from '../../ui/Field'
import { Pairs } from '../../ui/Pairs'
import { Select } from '../../ui/Select'
import { Notice } from '../../ui/State'
import { isEmpty, parseAttributes, printAttributes, splitURL } from './model'
import { requestKeys, type RequestKey } from './search'
import css from './sampling.module.css'

const route = getRouteApi('/sampling')

/** The families of clients before the server has told them. */
const reference = 'X-Ray SDKs for Python and Node'

/** Types that services often have. */
export const serviceTypes = ['AWS::EC2::Instance', 'AWS::ECS::Container', 'AWS::EKS::Container', 'AWS::ElasticBeanstalk::Environment', 'AWS::Lambda::Function', 'AWS::ApiGateway::Stage', 'AWS::AppSync::GraphQLAPI']
export const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS']

interface TesterProps {
  handle: Ref<HTMLInputElement>
  request: SampledRequest
  test: SamplingTest | undefined
  error: Error | null
}

/** A request to try: which rule would decide it, as one types. It is in the URL. */
export function Tester({ handle, request, test, error }: TesterProps) {
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const title = useId()
  const [more, setMore] = useState(Boolean(search.arn ?? search.attributes))
  const set = (change: Partial<Record<RequestKey, string>>) =>
    void navigate({ search: (before) => ({ ...before, ...Object.fromEntries(Object.entries(change).map(([key, value]) => [key, value || undefined])) }), replace: true })
  const clear = () => set(Object.fromEntries(requestKeys.map((key) => [key, ''])))
  // A whole URL may be pasted where a host or a path is wanted.
  const place = (key: 'host' | 'path', text: string) => {
    const parts = splitURL(text)
    set(parts ?? { [key]: text })
  }
  return (
    <aside className={css.tester} aria-labelledby={title}>
      <header className={css.testerHead}>
        <h2 id={title}>Try a request</h2>
        {!isEmpty(request) && (
          <Button look="quiet" onPress={clear}>
            Clear
          </Button>
        )}
      </header>
      <div className={css.fields}>
        <TextField handle={handle} label="Host" value={search.host ?? ''} onChange={(text) => place('host', text)} placeholder="www.shop.example, or a whole URL" mono />
        <div className={css.pair}>
          <TextField label="Method" value={search.method ?? ''} onChange={(method) => set({ method })} placeholder="GET" known={methods} mono />
          <TextField label="URL path" value={search.path ?? ''} onChange={(text) => place('path', text)} placeholder="/checkout" mono />
        </div>
        <TextField label="Service name" value={search.service ?? ''} onChange={(service) => set({ service })} placeholder="shop" mono />
        <TextField label="Service type" value={search.type ?? ''} onChange={(type) => set({ type })} placeholder="AWS::ECS::Container" known={serviceTypes} mono />
        {more ? (
          <>
            <TextField label="Resource ARN" value={search.arn ?? ''} onChange={(arn) => set({ arn })} placeholder="arn:aws:…" mono />
            <Frame label="Attributes of the request">
              <Pairs name="Attribute" pairs={parseAttributes(search.attributes ?? '')} onChange={(pairs) => set({ attributes: printAttributes(pairs) || (pairs.length > 0 ? '=' : '') })} most={50} />
            </Frame>
          </>
        ) : (
          <span>
            <Button look="quiet" icon={<Icon name="plus" size={14} />} onPress={() => setMore(true)}>
              Resource and attributes
            </Button>
          </span>
        )}
        <Frame label="Who decides">
          <Select
            label="Client"
            value={search.client ?? reference}
            choices={(test?.Clients.map((client) => client.Name) ?? [search.client ?? reference]).map((name) => ({ value: name, label: name }))}
            onChange={(client) => set({ client: client === reference ? '' : client })}
          />
        </Frame>
      </div>
      <div className={css.result} role="status">
        {error ? (
          <Notice look="warning">{error.message}</Notice>
        ) : isEmpty(request) ? (
          <p className="quiet">Type what a client knows of a request, and see which rule decides it, and why the ones before it do not. What is left out, the client does not know.</p>
        ) : test ? (
          <Result test={test} client={search.client ?? reference} />
        ) : (
          <p className="quiet">Trying…</p>
        )}
      </div>
    </aside>
  )
}

function Result({ test, client }: { test: SamplingTest; client: string }) {
  const others = test.Clients.filter((one) => one.Name !== client && one.RuleName !== test.RuleName)
  return (
    <>
      <p className={css.answer}>
        <Icon name="check" /> <b>{test.RuleName}</b> decides.
      </p>
      {others.length === 0 ? (
        <p className="quiet">So it does for every family of clients that is known.</p>
      ) : (
        <>
          <p>Other clients read rules differently:</p>
          <ul className={css.others}>
            {others.map((one) => (
              <li key={one.Name}>
                {one.Name} <b>{one.RuleName}</b>
              </li>
            ))}
          </ul>
        </>
      )}
    </>
  )
}
