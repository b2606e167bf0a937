import { useState } from 'react'
import { IconButton } from './Button'
import { Icon } from './Icon'
import { toast } from './Toasts'

/** A button that copies a text. */
export function Copy({ text, label = 'Copy' }: { text: string; label?: string }) {
  const [done, setDone] = useState(false)
  const copy = () => {
    void copyText(text).then((copied) => {
      if (!copied) return toast('The browser did not let the page copy.', 'failed')
      setDone(true)
      setTimeout(() => setDone(false), 1500)
    })
  }
  return <IconButton label={done ? 'Copied' : label} icon={<Icon name={done ? 'check' : 'copy'} size={15} />} onPress={copy} />
}

/** copyText puts a text on the clipboard, also where the page came by plain HTTP. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    const area = document.createElement('textarea')
    area.value = text
    document.body.append(area)
    area.select()
    const copied = document.execCommand('copy')
    area.remove()
    return copied
  }
}
