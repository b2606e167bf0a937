import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { getEncryption, putEncryption, type Encryption as Shape } from '../../api/settings'
import { Missing, useRights } from '../../app/Rights'
import { queries } from '../../app/scope'
import { plural } from '../../model/format'
import { toTheSecond } from '../../model/time'
import { Button } from '../../ui/Button'
import { Badge, Card, Facts } from '../../ui/Card'
import { Confirm } from '../../ui/Confirm'
import { Copy } from '../../ui/Copy'
import { Failed, Loading, Notice } from '../../ui/State'
import { toast } from '../../ui/Toasts'
import { Code } from '../../ui/Code'
import { keyNameOf } from './model'
import css from './settings.module.css'

/** How often it is looked whether everything is written anew, in milliseconds. */
const soon = 2000

export function Encryption() {
  const is = useQuery({
    queryKey: ['encryption'],
    queryFn: ({ signal }) => getEncryption(signal),
    staleTime: 0,
    refetchInterval: (query) => (query.state.data?.Status === 'UPDATING' ? soon : false),
  })
  if (is.isError && !is.data) return <Failed what="What data is encrypted with is not known" error={is.error} retry={() => void is.refetch()} />
  if (!is.data) return <Loading />
  return (
    <>
      <Card
        title="Encryption at rest"
        about="With a key nothing in the data directory can be read: neither documents nor columns, names, settings or the log of what is not settled yet. File names, sizes and times are not hidden."
        aside={is.data.Status === 'UPDATING' ? <Badge look="warning">updating</Badge> : <Badge look={is.data.Type === 'KMS' ? 'good' : 'plain'}>{is.data.Type === 'KMS' ? 'encrypted' : 'not encrypted'}</Badge>}
      >
        <State is={is.data} />
      </Card>
      <Choice key={`${is.data.Type} ${is.data.KeyId}`} is={is.data} />
    </>
  )
}

function State({ is }: { is: Shape }) {
  const key = is.Keys.find((one) => is.KeyId?.endsWith(`key/${one.Id}`))
  return (
    <div className={css.stack}>
      {is.Status === 'UPDATING' && (
        <Notice>
          {is.BehindCount > 0 ? `${plural(is.BehindCount, 'file')} still have to be written anew` : 'What was written before is being written anew'}. New data is as chosen already. The key before is needed until this is done.
        </Notice>
      )}
      <Facts>
        <dt>Key</dt>
        <dd>{is.KeyId ? <span className={css.row}>{key ? keyNameOf(key) : is.KeyId}</span> : 'none: blocks are Parquet files that other tools open'}</dd>
        {is.KeyId && (
          <>
            <dt>ARN</dt>
            <dd className={css.row}>
              <code>{is.KeyId}</code>
              <Copy text={is.KeyId} label="Copy the ARN" />
            </dd>
            <dt>Method</dt>
            <dd>AES-256-GCM, with a key of its own for each file</dd>
          </>
        )}
      </Facts>
    </div>
  )
}

/** The key, to choose another. */
function Choice({ is }: { is: Shape }) {
  const now = is.Keys.find((key) => is.KeyId?.endsWith(`key/${key.Id}`))?.Id ?? ''
  const [wanted, setWanted] = useState(now)
  const [sure, setSure] = useState(false)
  const rights = useRights({ choose: 'xray:PutEncryptionConfig' })
  const run = async () => {
    await putEncryption(wanted === '' ? null : wanted)
    await queries.invalidateQueries({ queryKey: ['encryption'] })
    toast(wanted === '' ? 'New data is plain from now on.' : 'New data is encrypted with the key from now on.')
  }
  return (
    <Card title="Key" about={is.Keys.length > 0 ? 'The keys are those of the file that the server was started with. Who has that file and the data can read everything; without the key the data is lost, so keep a copy of it on another disk.' : undefined}>
      {is.Keys.length === 0 ? (
        <div className={css.stack}>
          <p>The server has no keys. Make one, and start the server with the file it is in; then it can be chosen here.</p>
          <Code text={'tomo keys add --file keys.json --alias traces\ntomo serve --encryption-keys keys.json'} />
          <p className="note">Keep the file on another disk than the data, and a copy of it elsewhere: without the key the data is lost.</p>
        </div>
      ) : (
        <form
          className={css.stack}
          onSubmit={(event) => {
            event.preventDefault()
            setSure(true)
          }}
        >
          <Missing rights={rights} things="the key" />
          <div className={css.stack} role="radiogroup" aria-label="Key">
            <label className={css.choice}>
              <input type="radio" name="key" checked={wanted === ''} disabled={!rights.may.choose} onChange={() => setWanted('')} />
              <span>
                <b>No key</b>
                <span>Data is plain.</span>
              </span>
            </label>
            {is.Keys.map((key) => (
              <label key={key.Id} className={css.choice}>
                <input type="radio" name="key" checked={wanted === key.Id} disabled={!rights.may.choose} onChange={() => setWanted(key.Id)} />
                <span>
                  <b>{key.Alias ?? key.Id}</b>
                  <span>
                    {key.Alias && <code>{key.Id}</code>} made {toTheSecond(key.CreatedTime)}
                  </span>
                </span>
              </label>
            ))}
          </div>
          <div className={css.row}>
            <Button type="submit" look="main" isDisabled={wanted === now}>
              {wanted === now ? 'Apply' : wanted === '' ? 'Stop encrypting' : 'Encrypt with this key'}
            </Button>
            {wanted === now && <span className="note">This is what is in force.</span>}
          </div>
        </form>
      )}
      {sure && (
        <Confirm title={wanted === '' ? 'Stop encrypting?' : 'Encrypt everything with this key?'} does={wanted === '' ? 'Stop encrypting' : 'Encrypt'} look={wanted === '' ? 'danger' : 'main'} run={run} onClose={() => setSure(false)}>
          {wanted === '' ? (
            <p>New data will be plain at once, and what is there is written anew, plain, in the background. Whoever gets the disk can read it then.</p>
          ) : (
            <p>New data will be encrypted at once, and what is there is written anew in the background. Without the key nothing of it can be read any more: be sure that there is a copy of the file of keys.</p>
          )}
        </Confirm>
      )}
    </Card>
  )
}
