-- A project may have thousands of slots. A claim looks for the first free one and counts those taken, a sweep looks at those taken: none reads all.
create index slots_free on core.slots (project_id, slot_no) where state = 'free';
create index slots_taken on core.slots (project_id) where state <> 'free';
