import type { Limit } from '../../api/settings'
import { useLimits } from '../../app/asked'
import { count, percent } from '../../model/format'
import { Card } from '../../ui/Card'
import { Failed, Loading } from '../../ui/State'
import { Table, type Column } from '../../ui/Table'
import { limitText } from './model'
import css from './settings.module.css'

/** What bounds the tenant. It is set when the server is started, and only shown here. */
export function Limits() {
  const limits = useLimits(0)
  if (limits.isError) return <Failed what="The limits are not known" error={limits.error} retry={() => void limits.refetch()} />
  if (!limits.data) return <Loading />
  return (
    <>
      <Card title="Limits" flush about="They are set by flags of tomo serve, or by environment variables, when the server is started. The numbers of AWS are where nobody said otherwise.">
        <Table label="Limits" columns={columns} rows={limits.data.filter((limit) => limit.Unit !== 'a second')} rowKey={(limit) => limit.Name} />
      </Card>
      <Card title="Quotas" flush about="What a tenant may ask for in a second. What is over a quota is answered ThrottledException, which AWS SDKs try again; collectors may throw away what is refused.">
        <Table label="Quotas" columns={columns} rows={limits.data.filter((limit) => limit.Unit === 'a second')} rowKey={(limit) => limit.Name} />
      </Card>
    </>
  )
}

const columns: Column<Limit>[] = [
  { id: 'about', head: 'What', names: true, cell: (limit) => limit.About },
  { id: 'value', head: 'In force', figures: true, cell: (limit) => <span className={`nowrap ${limit.Value === null ? 'quiet' : ''}`}>{limitText(limit)}</span> },
  {
    id: 'used',
    head: 'Used',
    cell: (limit) =>
      limit.Used === null || limit.Value === null ? (
        ''
      ) : (
        <span className={css.used}>
          <span className={`${css.bar} ${limit.Used >= limit.Value ? css.full : ''}`} role="img" aria-label={percent(limit.Used / limit.Value)}>
            <span style={{ width: `${Math.min(100, (100 * limit.Used) / limit.Value)}%` }} />
          </span>
          {count(limit.Used)}
        </span>
      ),
  },
  {
    id: 'flag',
    head: 'Set by',
    cell: (limit) =>
      limit.Flag === '' ? (
        <span className="quiet">nothing</span>
      ) : (
        <>
          <code>{limit.Flag}</code> <span className="quiet">{limit.Variable}</span>
        </>
      ),
  },
]
