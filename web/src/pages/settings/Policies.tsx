import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { deletePolicy, getPolicies, putPolicy, type Policy } from '../../api/settings'
import { Missing, useRights } from '../../app/Rights'
import { queries } from '../../app/scope'
import { problemsOf, noProblems } from '../../model/problems'
import { ago } from '../../model/time'
import { Button, IconButton } from '../../ui/Button'
import { Badge, Card } from '../../ui/Card'
import { Code } from '../../ui/Code'
import { Confirm } from '../../ui/Confirm'
import { Dialog } from '../../ui/Dialog'
import { TextField } from '../../ui/Field'
import { Icon } from '../../ui/Icon'
import { Empty, Failed, Loading, Notice } from '../../ui/State'
import { toast } from '../../ui/Toasts'
import { jsonProblem, prettyJSON } from './model'
import css from './settings.module.css'

const reload = () => queries.invalidateQueries({ queryKey: ['policies'] })

/** Resource policies: kept for those who keep their settings with Terraform. */
export function Policies() {
  const policies = useQuery({ queryKey: ['policies'], queryFn: ({ signal }) => getPolicies(signal), staleTime: 0 })
  const [edited, setEdited] = useState<Policy | 'new' | null>(null)
  const [gone, setGone] = useState<Policy | null>(null)
  const rights = useRights({ 'add or change': 'xray:PutResourcePolicy', delete: 'xray:DeleteResourcePolicy' })
  if (policies.isError) return <Failed what="The policies are not there" error={policies.error} retry={() => void policies.refetch()} />
  if (!policies.data) return <Loading />
  return (
    <>
      <Missing rights={rights} things="policies" />
      <Card
        title="Resource policies"
        about="Texts in AWS's policy language, as Terraform and the AWS CLI put them. Tomo keeps them as they are and judges no request by them: who may do what is said by credentials."
        aside={
          <Button look="main" icon={<Icon name="plus" />} isDisabled={!rights.may['add or change']} onPress={() => setEdited('new')}>
            Add a policy
          </Button>
        }
      >
        {policies.data.length === 0 ? (
          <Empty icon="settings" title="There are no policies">
            They are only needed if something that manages AWS puts them.
          </Empty>
        ) : (
          <div className={css.stack}>
            {policies.data.map((policy) => (
              <article key={policy.PolicyName} className={css.stack} aria-label={policy.PolicyName}>
                <div className={css.row}>
                  <h3>{policy.PolicyName}</h3>
                  <Badge>revision {policy.PolicyRevisionId}</Badge>
                  <span className="note">changed {ago(policy.LastUpdatedTime, Date.now() / 1000)}</span>
                  <span className="space" />
                  <Button isDisabled={!rights.may['add or change']} onPress={() => setEdited(policy)}>
                    Edit
                  </Button>
                  <IconButton label={`Delete ${policy.PolicyName}`} icon={<Icon name="delete" />} isDisabled={!rights.may.delete} onPress={() => setGone(policy)} />
                </div>
                <Code text={prettyJSON(policy.PolicyDocument)} label={`Copy ${policy.PolicyName}`} />
              </article>
            ))}
          </div>
        )}
      </Card>
      {edited && <Editor policy={edited === 'new' ? null : edited} onClose={() => setEdited(null)} />}
      {gone && (
        <Confirm
          title={`Delete the policy ${gone.PolicyName}?`}
          does="Delete"
          run={async () => {
            await deletePolicy(gone.PolicyName, gone.PolicyRevisionId)
            await reload()
            toast(`The policy ${gone.PolicyName} is deleted.`)
          }}
          onClose={() => setGone(null)}
        >
          <p>Its text is lost. What manages it may put it again.</p>
        </Confirm>
      )}
    </>
  )
}

const example = `{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Principal": { "AWS": "*" },
      "Action": ["xray:PutTraceSegments"],
      "Resource": "*"
    }
  ]
}`

const members = ['PolicyName', 'PolicyDocument']
const words: [RegExp, string][] = [[/policy document|The policy denies/i, 'PolicyDocument']]

function Editor({ policy, onClose }: { policy: Policy | null; onClose: () => void }) {
  const [name, setName] = useState(policy?.PolicyName ?? '')
  const [text, setText] = useState(policy ? prettyJSON(policy.PolicyDocument) : example)
  const [problems, setProblems] = useState(noProblems)
  const [busy, setBusy] = useState(false)
  const broken = jsonProblem(text)
  const save = () => {
    setBusy(true)
    putPolicy(name, text, policy?.PolicyRevisionId ?? '0').then(
      () => {
        toast(`The policy ${name} is saved.`)
        void reload()
        onClose()
      },
      (reason: unknown) => {
        setBusy(false)
        setProblems(problemsOf(reason, members, words))
      },
    )
  }
  return (
    <Dialog
      title={policy ? `Edit the policy ${policy.PolicyName}` : 'Add a policy'}
      open
      wide
      onClose={onClose}
      actions={
        <>
          <Button onPress={onClose}>Cancel</Button>
          <Button look="main" onPress={save} isDisabled={busy || name === '' || broken !== null}>
            Save
          </Button>
        </>
      }
    >
      <div className={css.stack}>
        {problems.rest && <Notice look="warning">{problems.rest}</Notice>}
        <TextField label="Name" value={name} onChange={setName} disabled={policy !== null} autoFocus={policy === null} hint="Up to 128 letters, digits and + = , . @ _ -" problem={problems.members['PolicyName']} />
        <TextField label="Document" value={text} onChange={setText} rows={16} mono problem={problems.members['PolicyDocument'] ?? (broken ? `It is no JSON: ${broken}` : undefined)} />
      </div>
    </Dialog>
  )
}
