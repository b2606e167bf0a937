import { useState } from 'react'
import { Button as AriaButton } from 'react-aria-components'
import type { Session } from '../api/session'
import { moment } from '../model/time'
import { messageOf } from '../model/problems'
import { Button } from '../ui/Button'
import { Facts } from '../ui/Card'
import { Dialog } from '../ui/Dialog'
import { Icon } from '../ui/Icon'
import { toast } from '../ui/Toasts'
import { endSession } from './session'
import css from './Account.module.css'
import shell from './Shell.module.css'

/** Who signed in, and the way out. */
export function Account({ session }: { session: Session }) {
  const [open, setOpen] = useState(false)
  const leave = () => void endSession().catch((reason: unknown) => toast(messageOf(reason), 'failed'))
  return (
    <>
      <AriaButton className={css.button!} onPress={() => setOpen(true)}>
        <Icon name="person" size={18} />
        <span className="hidden-visually">
          Signed in as {session.Name}, tenant {session.Tenant}
        </span>
        <span className={`${shell.word} ${css.who}`} aria-hidden="true">
          <span className={css.name}>{session.Name}</span>
          <span className={css.tenant}>{session.Tenant}</span>
        </span>
      </AriaButton>
      <Dialog
        title="Who is signed in"
        open={open}
        onClose={() => setOpen(false)}
        actions={
          <Button look="main" onPress={leave}>
            Sign out
          </Button>
        }
      >
        <Facts>
          <dt>Name</dt>
          <dd>{session.Name}</dd>
          <dt>Access key</dt>
          <dd className="mono">{session.AccessKeyId}</dd>
          <dt>Tenant</dt>
          <dd>{session.Tenant}</dd>
          <dt>May</dt>
          <dd>{session.Actions.join(', ')}</dd>
          <dt>Until</dt>
          <dd>{moment(session.Ends)}, or two idle hours</dd>
        </Facts>
      </Dialog>
    </>
  )
}
