import { text, type RawSearch } from '../../app/search'

/** What of the URL is the own of the settings. */
export interface SettingsSearch {
  /** Which part is shown. */
  section?: string | undefined
}

export function settingsSearch(raw: RawSearch): SettingsSearch {
  const section = text(raw['section'])
  return section ? { section } : {}
}
