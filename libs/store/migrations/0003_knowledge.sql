create extension if not exists vector;

create table knowledge.doc_chunks (
  id bigint generated always as identity primary key,
  doc_id text not null,
  chunk_no integer not null,
  chunk_text text not null,
  embedding vector(3072),
  metadata jsonb not null default '{}',
  constraint doc_chunks_key unique (doc_id, chunk_no)
);
create index doc_chunks_metadata on knowledge.doc_chunks using gin (metadata);
