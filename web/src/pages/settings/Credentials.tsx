import { useMutation, useQuery } from '@tanstack/react-query'
import { useMemo, useState, type FormEvent } from 'react'
import { addCredential, getCredentials, removeCredentials, type Credential, type Credentials as List, type IssuedCredential } from '../../api/credentials'
import { queries } from '../../app/scope'
import { Missing, useRights } from '../../app/Rights'
import { useSignedIn } from '../../app/session'
import { plural } from '../../model/format'
import { ago, moment, toTheSecond } from '../../model/time'
import { Button, IconButton } from '../../ui/Button'
import { Badge } from '../../ui/Card'
import { Code } from '../../ui/Code'
import { Copy } from '../../ui/Copy'
import { Dialog } from '../../ui/Dialog'
import { Icon } from '../../ui/Icon'
import { Select } from '../../ui/Select'
import { Empty, Failed, Loading, Notice } from '../../ui/State'
import { Table, type Column } from '../../ui/Table'
import { toast } from '../../ui/Toasts'
import { actionsOf, exportsOf, lifetimes, roles, standingOf, type Role } from './credentials.model'
import css from './credentials.module.css'

const key = ['credentials']

/** Who may ask this server for what: the section of the settings. */
export function Credentials() {
  const may = useRights({ list: 'tomo:GetCredentials' }).may.list
  const list = useQuery({ queryKey: key, queryFn: ({ signal }) => getCredentials(signal), enabled: may, staleTime: 10_000 })
  if (!may) return <Denied />
  if (list.isError) return <Failed what="The credentials could not be listed" error={list.error} retry={() => void list.refetch()} />
  if (!list.data) return <Loading what="Asking for the credentials" />
  return list.data.Needed ? <Listed list={list.data} /> : <Nobody />
}

function Denied() {
  const who = useSignedIn()
  return (
    <Empty icon="person" title="Your credential may not list others">
      It needs the action <code>tomo:GetCredentials</code>, which the role <code>admin</code> has. {who?.Session && <>{who.Session.Name} has {who.Session.Actions.join(', ')}.</>}
    </Empty>
  )
}

/** As long as there are no credentials: what that means, and how to make the first. */
function Nobody() {
  const commands = 'tomo credentials add --name me --actions admin\ntomo credentials add --name app --actions write'
  return (
    <div className={css.section}>
      <Notice look="warning">There are no credentials: everybody who reaches this server may read and change everything.</Notice>
      <p>That is meant for a machine of one&apos;s own, and why the server listens on loopback addresses only unless it is told that the network keeps strangers out. The first credential is made on the server&apos;s machine, with its data directory:</p>
      <Code text={commands} />
      <p>From the first one on, within a second and without a restart:</p>
      <ul className={css.list}>
        <li>the console asks who is there. Sign in with the access key and the secret that the command shows, this once;</li>
        <li>
          applications, daemons and collectors have to sign what they send, with <code>AWS_ACCESS_KEY_ID</code> and <code>AWS_SECRET_ACCESS_KEY</code>; what is not signed is refused;
        </li>
        <li>X-Ray SDKs on this machine still send their datagrams. Their questions for sampling rules are not signed: a daemon signs for them, or <code>--sampling-tenant</code> answers them;</li>
        <li>the server may listen on any address. Use TLS there: without it whoever can listen in reads secrets.</li>
      </ul>
    </div>
  )
}

function Listed({ list }: { list: List }) {
  const rights = useRights({ 'make and remove': 'tomo:PutCredentials' })
  const may = rights.may['make and remove']
  const [adding, setAdding] = useState(false)
  const [removing, setRemoving] = useState<Credential | null>(null)
  const columns = useMemo(() => columnsFor(may ? setRemoving : null), [may])
  return (
    <div className={css.section}>
      <div className={css.head}>
        <p>
          {plural(list.Credentials.length, 'credential')} of the tenant <b>{list.Credentials[0]?.Tenant}</b>. Those of other tenants are made with <code>tomo credentials</code>, which writes the same file, <code>{list.File}</code>.
        </p>
        {may && (
          <Button look="main" icon={<Icon name="plus" />} onPress={() => setAdding(true)}>
            Add a credential
          </Button>
        )}
      </div>
      <Missing rights={rights} things="credentials" />
      <Table label="Credentials" columns={columns} rows={list.Credentials} rowKey={(credential) => credential.AccessKeyId} />
      {adding && <Add onClose={() => setAdding(false)} />}
      {removing && <Remove credential={removing} onClose={() => setRemoving(null)} />}
    </div>
  )
}

function columnsFor(remove: ((credential: Credential) => void) | null): Column<Credential>[] {
  const now = Date.now() / 1000
  return [
    {
      id: 'name',
      head: 'Name',
      names: true,
      sort: (credential) => credential.Name,
      cell: (credential) => (
        <span className={css.name}>
          {credential.Name}
          {credential.Yours && <Badge look="accent">you</Badge>}
        </span>
      ),
    },
    {
      id: 'key',
      head: 'Access key',
      cell: (credential) => (
        <span className={css.key}>
          <code>{credential.AccessKeyId}</code>
          <Copy text={credential.AccessKeyId} label={`Copy the access key of ${credential.Name}`} />
        </span>
      ),
    },
    { id: 'tenant', head: 'Tenant', sort: (credential) => credential.Tenant, cell: (credential) => credential.Tenant },
    {
      id: 'actions',
      head: 'May',
      cell: (credential) => (
        <span className={css.actions}>
          {credential.Actions.map((action) => (
            <code key={action}>{action}</code>
          ))}
        </span>
      ),
    },
    { id: 'created', head: 'Made', sort: (credential) => credential.Created, cell: (credential) => <time className="nowrap" dateTime={new Date(credential.Created * 1000).toISOString()}>{ago(credential.Created, now)}</time> },
    {
      id: 'expires',
      head: 'Works until',
      sort: (credential) => credential.Expires ?? Infinity,
      cell: (credential) => {
        const standing = standingOf(credential, now)
        if (standing.kind === 'for ever') return 'no end'
        return <span className={`nowrap ${standing.kind === 'over' ? css.over : ''}`}>{`${standing.kind === 'over' ? 'over since ' : ''}${toTheSecond(standing.end)}`}</span>
      },
    },
    ...(remove
      ? [{ id: 'remove', head: 'Remove', cell: (credential: Credential) => <IconButton label={`Remove ${credential.Name}`} icon={<Icon name="close" />} onPress={() => remove(credential)} /> }]
      : []),
  ]
}

function Remove({ credential, onClose }: { credential: Credential; onClose: () => void }) {
  const removal = useMutation({
    mutationFn: () => removeCredentials([credential.AccessKeyId]),
    onSuccess: (left) => {
      queries.setQueryData(key, left)
      toast(`${credential.Name} is removed.`)
      onClose()
    },
  })
  return (
    <Dialog
      title={`Remove ${credential.Name}?`}
      open
      onClose={onClose}
      actions={
        <>
          <Button onPress={onClose}>Keep it</Button>
          <Button look="danger" onPress={() => removal.mutate()} isDisabled={removal.isPending}>
            Remove
          </Button>
        </>
      }
    >
      <p>
        Whatever signs with <code>{credential.AccessKeyId}</code> is refused at once, and who signed in with it is signed out. It cannot be brought back; another can be made.
      </p>
      {credential.Yours && <Notice look="warning">It is the one that you are signed in with.</Notice>}
      {removal.error && <Problem error={removal.error} />}
    </Dialog>
  )
}

function Add({ onClose }: { onClose: () => void }) {
  const [chosen, setChosen] = useState<ReadonlySet<Role>>(new Set(['read']))
  const [typed, setTyped] = useState('')
  const [name, setName] = useState('')
  const [lifetime, setLifetime] = useState('0')
  const actions = actionsOf(chosen, typed)
  const making = useMutation({
    mutationFn: () => addCredential({ Actions: actions, ...(name.trim() ? { Name: name.trim() } : {}), ...(lifetime === '0' ? {} : { Lifetime: Number(lifetime) }) }),
    onSuccess: () => void queries.invalidateQueries({ queryKey: key }),
  })
  if (making.data) return <Made issued={making.data} onClose={onClose} />
  const submit = (event: FormEvent) => {
    event.preventDefault()
    making.mutate()
  }
  const choose = (role: Role, on: boolean) => {
    const next = new Set(chosen)
    if (on) next.add(role)
    else next.delete(role)
    setChosen(next)
  }
  return (
    <Dialog
      title="Add a credential"
      open
      onClose={onClose}
      actions={
        <>
          <Button onPress={onClose}>Cancel</Button>
          <Button look="main" type="submit" form="add-credential" isDisabled={actions.length === 0 || making.isPending}>
            Add
          </Button>
        </>
      }
    >
      <form id="add-credential" className={css.form} onSubmit={submit}>
        <label className={css.field}>
          Name
          <input value={name} onChange={(event) => setName(event.target.value)} maxLength={64} placeholder="ci" autoFocus spellCheck={false} autoComplete="off" />
          <span className={`note ${css.hint}`}>For people, and in the ARN: letters, digits and +=,.@_-. Without one it is the access key.</span>
        </label>
        <fieldset className={css.roles}>
          <legend>May</legend>
          {roles.map((role) => (
            <label key={role.name}>
              <input type="checkbox" checked={chosen.has(role.name)} onChange={(event) => choose(role.name, event.target.checked)} />
              <span>
                <code>{role.name}</code>
                <span className={`note ${css.hint}`}>{role.does}</span>
              </span>
            </label>
          ))}
        </fieldset>
        <label className={css.field}>
          And these actions
          <input className="mono" value={typed} onChange={(event) => setTyped(event.target.value)} placeholder="xray:PutTraceSegments xray:Get*" spellCheck={false} autoComplete="off" />
          <span className={`note ${css.hint}`}>As in IAM, * stands for any text and ? for one letter. You can give away only what you may do yourself.</span>
        </label>
        <div className={css.field}>
          <Select label="Works" labelled value={lifetime} choices={lifetimes.map(({ seconds, label }) => ({ value: String(seconds), label }))} onChange={setLifetime} />
          <span className={`note ${css.hint}`}>One that ends has a session token beside the secret, as temporary credentials of AWS have.</span>
        </div>
        {making.error && <Problem error={making.error} />}
      </form>
    </Dialog>
  )
}

function Made({ issued, onClose }: { issued: IssuedCredential; onClose: () => void }) {
  return (
    <Dialog
      title={`${issued.Credential.Name} is made`}
      open
      onClose={onClose}
      actions={
        <Button look="main" onPress={onClose}>
          I have it
        </Button>
      }
    >
      <Notice look="warning">The secret is shown this once. Nobody can read it here again.</Notice>
      <Code text={exportsOf(issued)} />
      <p className={`note ${css.hint}`}>
        It works now, for {issued.Credential.Actions.join(', ')} in the tenant {issued.Credential.Tenant}
        {issued.Credential.Expires !== null && <>, until {moment(issued.Credential.Expires)}</>}.
      </p>
    </Dialog>
  )
}

function Problem({ error }: { error: Error }) {
  return (
    <p role="alert" className={css.problem}>
      {error.message}
    </p>
  )
}
