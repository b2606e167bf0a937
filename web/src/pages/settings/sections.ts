import type { ComponentType } from 'react'
import { Credentials } from './Credentials'
import { Encryption } from './Encryption'
import { Indexing } from './Indexing'
import { KeepRules } from './KeepRules'
import { Limits } from './Limits'
import { Policies } from './Policies'

/** A part of the settings: a line in the list at the left, and what is shown then. */
interface Section {
  /** In the URL. */
  id: string
  label: string
  Content: ComponentType
}

/** The sections, in the order in which they are listed. One more is one more line. */
export const sections: readonly Section[] = [
  { id: 'keep-rules', label: 'Keep rules', Content: KeepRules },
  { id: 'indexing', label: 'Indexing', Content: Indexing },
  { id: 'encryption', label: 'Encryption', Content: Encryption },
  { id: 'credentials', label: 'Credentials', Content: Credentials },
  { id: 'policies', label: 'Resource policies', Content: Policies },
  { id: 'limits', label: 'Limits and quotas', Content: Limits },
]
