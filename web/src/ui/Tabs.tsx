import type { ReactNode } from 'react'
import { Tab, TabList, TabPanel, Tabs as AriaTabs } from 'react-aria-components'
import css from './Tabs.module.css'

export interface TabSpec {
  id: string
  label: string
  content: ReactNode
}

interface TabsProps {
  label: string
  tabs: readonly TabSpec[]
  selected?: string
  onSelect?: (id: string) => void
}

export function Tabs({ label, tabs, selected, onSelect }: TabsProps) {
  return (
    <AriaTabs
      className={css.tabs!}
      {...(selected !== undefined ? { selectedKey: selected } : {})}
      {...(onSelect ? { onSelectionChange: (key: string | number) => onSelect(String(key)) } : {})}
    >
      <TabList aria-label={label} className={css.list!}>
        {tabs.map((tab) => (
          <Tab key={tab.id} id={tab.id} className={css.tab!}>
            {tab.label}
          </Tab>
        ))}
      </TabList>
      {tabs.map((tab) => (
        <TabPanel key={tab.id} id={tab.id} className={css.panel!}>
          {tab.content}
        </TabPanel>
      ))}
    </AriaTabs>
  )
}
