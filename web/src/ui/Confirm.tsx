import { useState, type ReactNode } from 'react'
import { messageOf } from '../model/problems'
import { Button } from './Button'
import { Dialog } from './Dialog'
import { Notice } from './State'

interface ConfirmProps {
  title: string
  /** What the button that does it says. */
  does: string
  /** Does it; what is thrown is told in the dialog, which then stays. */
  run: () => Promise<void>
  onClose: () => void
  children: ReactNode
  look?: 'danger' | 'main'
}

/** Asks once more before something is done that cannot be taken back. */
export function Confirm({ title, does, run, onClose, children, look = 'danger' }: ConfirmProps) {
  const [error, setError] = useState('')
  const [busy, setBusy] = useState(false)
  const start = () => {
    setBusy(true)
    run().then(onClose, (reason: unknown) => {
      setBusy(false)
      setError(messageOf(reason))
    })
  }
  return (
    <Dialog
      title={title}
      open
      onClose={onClose}
      actions={
        <>
          <Button onPress={onClose}>Cancel</Button>
          <Button look={look} onPress={start} isDisabled={busy} autoFocus>
            {does}
          </Button>
        </>
      }
    >
      {children}
      {error && <Notice look="warning">{error}</Notice>}
    </Dialog>
  )
}
