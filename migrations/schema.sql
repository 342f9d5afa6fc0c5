-- Every table as a migrated database has it, written by `make schema` from the catalogue. Read it here, change it by a
-- migration. The queue's and the migration runner's own tables are left out, and so are single partitions.

CREATE TABLE access_log (
    id uuid NOT NULL,
    at timestamp with time zone NOT NULL,
    citizen_id uuid NOT NULL,
    institution_id uuid,
    store_id uuid,
    terminal_id uuid,
    official_id uuid,
    action text NOT NULL,
    scenario text,
    outcome text NOT NULL,
    told jsonb NOT NULL,
    CONSTRAINT access_log_pkey PRIMARY KEY (citizen_id, at, id)
) PARTITION BY RANGE (at);

CREATE TABLE api_key (
    id uuid NOT NULL,
    institution_id uuid NOT NULL,
    name text NOT NULL,
    secret_hash bytea NOT NULL,
    scopes text[] NOT NULL,
    store_ids uuid[],
    state text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    last_used_at timestamp with time zone,
    CONSTRAINT api_key_pkey PRIMARY KEY (id),
    CONSTRAINT api_key_secret_hash_key UNIQUE (secret_hash),
    CONSTRAINT api_key_institution_id_fkey FOREIGN KEY (institution_id) REFERENCES institution(id),
    CONSTRAINT api_key_scopes_check CHECK (scopes <@ ARRAY['scan'::text, 'redeem'::text, 'read'::text, 'report'::text] AND cardinality(scopes) > 0),
    CONSTRAINT api_key_state_check CHECK (state = ANY (ARRAY['active'::text, 'suspended'::text]))
);
CREATE INDEX api_key_institution ON api_key USING btree (institution_id);

CREATE TABLE audit_entry (
    number bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    actor_id uuid,
    actor text NOT NULL,
    action text NOT NULL,
    subject text NOT NULL,
    detail jsonb NOT NULL,
    previous_hash bytea NOT NULL,
    hash bytea NOT NULL,
    CONSTRAINT audit_entry_pkey PRIMARY KEY (number),
    CONSTRAINT audit_entry_hash_key UNIQUE (hash),
    CONSTRAINT audit_entry_number_check CHECK (number > 0)
);

CREATE TABLE audit_head (
    is_only boolean DEFAULT true NOT NULL,
    number bigint NOT NULL,
    hash bytea NOT NULL,
    mac bytea NOT NULL,
    CONSTRAINT audit_head_pkey PRIMARY KEY (is_only),
    CONSTRAINT audit_head_is_only_check CHECK (is_only),
    CONSTRAINT audit_head_number_check CHECK (number >= 0)
);

CREATE TABLE benefit (
    id uuid NOT NULL,
    institution_id uuid NOT NULL,
    campaign_id uuid NOT NULL,
    code text NOT NULL,
    limits_version integer DEFAULT 0 NOT NULL,
    limited_at timestamp with time zone,
    CONSTRAINT benefit_pkey PRIMARY KEY (id),
    CONSTRAINT benefit_institution_id_code_key UNIQUE (institution_id, code),
    CONSTRAINT benefit_campaign_id_fkey FOREIGN KEY (campaign_id) REFERENCES campaign(id),
    CONSTRAINT benefit_institution_id_fkey FOREIGN KEY (institution_id) REFERENCES institution(id),
    CONSTRAINT benefit_check CHECK (limits_version = 0 OR limited_at IS NOT NULL),
    CONSTRAINT benefit_limits_version_check CHECK (limits_version >= 0)
);
CREATE INDEX benefit_campaign ON benefit USING btree (campaign_id);

CREATE TABLE benefit_usage (
    benefit_id uuid NOT NULL,
    used bigint DEFAULT 0 NOT NULL,
    is_whole boolean DEFAULT false NOT NULL,
    CONSTRAINT benefit_usage_pkey PRIMARY KEY (benefit_id),
    CONSTRAINT benefit_usage_used_check CHECK (used >= 0)
) WITH (fillfactor=10);

CREATE TABLE benefit_use (
    benefit_id uuid NOT NULL,
    cap_holder_id uuid NOT NULL,
    step smallint NOT NULL,
    period_on date NOT NULL,
    used integer NOT NULL,
    period_ends_on date,
    limits_version integer DEFAULT 0 NOT NULL,
    cap integer,
    CONSTRAINT benefit_use_pkey PRIMARY KEY (period_on, cap_holder_id, benefit_id, step),
    CONSTRAINT benefit_use_used_check CHECK (used >= 0)
) PARTITION BY RANGE (period_on);

CREATE TABLE cache_version (
    name text NOT NULL,
    version bigint DEFAULT 1 NOT NULL,
    CONSTRAINT cache_version_pkey PRIMARY KEY (name)
);

CREATE TABLE campaign (
    id uuid NOT NULL,
    institution_id uuid NOT NULL,
    state text NOT NULL,
    live_version integer,
    head_version integer NOT NULL,
    revision integer DEFAULT 1 NOT NULL,
    paused_by_centre boolean DEFAULT false NOT NULL,
    created_at timestamp with time zone NOT NULL,
    stopped_at timestamp with time zone,
    CONSTRAINT campaign_pkey PRIMARY KEY (id),
    CONSTRAINT campaign_institution_id_fkey FOREIGN KEY (institution_id) REFERENCES institution(id),
    CONSTRAINT campaign_check CHECK (NOT paused_by_centre OR state = 'paused'::text),
    CONSTRAINT campaign_check1 CHECK ((state <> ALL (ARRAY['live'::text, 'paused'::text])) OR live_version IS NOT NULL),
    CONSTRAINT campaign_head_version_check CHECK (head_version > 0),
    CONSTRAINT campaign_revision_check CHECK (revision > 0),
    CONSTRAINT campaign_state_check CHECK (state = ANY (ARRAY['draft'::text, 'submitted'::text, 'rejected'::text, 'live'::text, 'paused'::text, 'ended'::text]))
);
CREATE INDEX campaign_institution ON campaign USING btree (institution_id, id DESC);

CREATE TABLE campaign_version (
    campaign_id uuid NOT NULL,
    version integer NOT NULL,
    state text NOT NULL,
    document jsonb NOT NULL,
    drafted_by uuid NOT NULL,
    drafted_at timestamp with time zone NOT NULL,
    submitted_by uuid,
    submitted_at timestamp with time zone,
    decided_by uuid,
    decided_at timestamp with time zone,
    decision_note text,
    CONSTRAINT campaign_version_pkey PRIMARY KEY (campaign_id, version),
    CONSTRAINT campaign_version_campaign_id_fkey FOREIGN KEY (campaign_id) REFERENCES campaign(id),
    CONSTRAINT campaign_version_decided_by_fkey FOREIGN KEY (decided_by) REFERENCES official(id),
    CONSTRAINT campaign_version_drafted_by_fkey FOREIGN KEY (drafted_by) REFERENCES official(id),
    CONSTRAINT campaign_version_submitted_by_fkey FOREIGN KEY (submitted_by) REFERENCES official(id),
    CONSTRAINT campaign_maker_is_not_checker CHECK (decided_by <> drafted_by AND decided_by <> submitted_by),
    CONSTRAINT campaign_version_state_check CHECK (state = ANY (ARRAY['draft'::text, 'submitted'::text, 'approved'::text, 'rejected'::text])),
    CONSTRAINT campaign_version_version_check CHECK (version > 0)
);
CREATE INDEX campaign_version_inbox ON campaign_version USING btree (submitted_at) WHERE state = 'submitted'::text;

CREATE TABLE citizen (
    id uuid NOT NULL,
    account_number bigint NOT NULL,
    state text NOT NULL,
    code_generation integer DEFAULT 0 NOT NULL,
    openid_index bytea,
    openid_cipher bytea,
    id_number_index bytea,
    id_number_cipher bytea,
    person_index bytea,
    name_cipher bytea,
    phone_index bytea,
    phone_cipher bytea,
    birth_on date,
    district text,
    cap_holder_id uuid,
    created_at timestamp with time zone NOT NULL,
    joined_at timestamp with time zone,
    left_at timestamp with time zone,
    CONSTRAINT citizen_pkey PRIMARY KEY (id),
    CONSTRAINT citizen_account_number_key UNIQUE (account_number),
    CONSTRAINT citizen_id_number_index_key UNIQUE (id_number_index),
    CONSTRAINT citizen_openid_index_key UNIQUE (openid_index),
    CONSTRAINT citizen_account_number_check CHECK (account_number >= 0 AND account_number <= 999999999),
    CONSTRAINT citizen_active_is_known CHECK ((state <> ALL (ARRAY['active'::text, 'frozen'::text])) OR id_number_index IS NOT NULL AND id_number_cipher IS NOT NULL AND person_index IS NOT NULL AND name_cipher IS NOT NULL AND birth_on IS NOT NULL AND cap_holder_id IS NOT NULL AND joined_at IS NOT NULL),
    CONSTRAINT citizen_code_generation_check CHECK (code_generation >= 0),
    CONSTRAINT citizen_district_check CHECK (length(district) = 6),
    CONSTRAINT citizen_left_is_forgotten CHECK (state <> 'left'::text OR openid_index IS NULL AND openid_cipher IS NULL AND id_number_index IS NULL AND id_number_cipher IS NULL AND person_index IS NULL AND name_cipher IS NULL AND phone_index IS NULL AND phone_cipher IS NULL AND birth_on IS NULL AND district IS NULL AND cap_holder_id IS NULL AND left_at IS NOT NULL),
    CONSTRAINT citizen_state_check CHECK (state = ANY (ARRAY['new'::text, 'active'::text, 'frozen'::text, 'left'::text]))
) WITH (fillfactor=90);
CREATE INDEX citizen_person ON citizen USING btree (person_index) WHERE person_index IS NOT NULL;

CREATE TABLE citizen_session (
    id uuid NOT NULL,
    citizen_id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    revoked_at timestamp with time zone,
    revoked_because text,
    CONSTRAINT citizen_session_pkey PRIMARY KEY (id),
    CONSTRAINT citizen_session_citizen_id_fkey FOREIGN KEY (citizen_id) REFERENCES citizen(id),
    CONSTRAINT citizen_session_check CHECK ((revoked_at IS NULL) = (revoked_because IS NULL))
) WITH (fillfactor=90);
CREATE INDEX citizen_session_live ON citizen_session USING btree (citizen_id) WHERE revoked_at IS NULL;

CREATE TABLE consent (
    id uuid NOT NULL,
    citizen_id uuid NOT NULL,
    purpose text NOT NULL,
    version integer NOT NULL,
    given_at timestamp with time zone NOT NULL,
    withdrawn_at timestamp with time zone,
    CONSTRAINT consent_pkey PRIMARY KEY (id),
    CONSTRAINT consent_citizen_id_fkey FOREIGN KEY (citizen_id) REFERENCES citizen(id),
    CONSTRAINT consent_purpose_version_fkey FOREIGN KEY (purpose, version) REFERENCES consent_text(purpose, version),
    CONSTRAINT consent_check CHECK (withdrawn_at >= given_at)
);
CREATE UNIQUE INDEX consent_given ON consent USING btree (citizen_id, purpose) WHERE withdrawn_at IS NULL;

CREATE TABLE consent_text (
    purpose text NOT NULL,
    version integer NOT NULL,
    title_zh text NOT NULL,
    title_en text NOT NULL,
    body_zh text NOT NULL,
    body_en text NOT NULL,
    is_required boolean NOT NULL,
    published_at timestamp with time zone NOT NULL,
    CONSTRAINT consent_text_pkey PRIMARY KEY (purpose, version),
    CONSTRAINT consent_text_version_check CHECK (version > 0)
);

CREATE TABLE event (
    id uuid NOT NULL,
    epoch smallint NOT NULL,
    xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    at timestamp with time zone NOT NULL,
    type text NOT NULL,
    institution_id uuid,
    citizen_id uuid,
    subject_id uuid NOT NULL,
    data jsonb NOT NULL,
    CONSTRAINT event_pkey PRIMARY KEY (id, at)
) PARTITION BY RANGE (at);
CREATE INDEX event_feed ON ONLY event USING btree (institution_id, epoch, xid, id) WHERE institution_id IS NOT NULL;

CREATE TABLE event_epoch (
    epoch smallint GENERATED ALWAYS AS IDENTITY NOT NULL,
    system_identifier bigint NOT NULL,
    began_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT event_epoch_pkey PRIMARY KEY (epoch)
);

CREATE TABLE former_account (
    citizen_id uuid NOT NULL,
    cap_holder_id uuid NOT NULL,
    forget_at timestamp with time zone NOT NULL,
    CONSTRAINT former_account_pkey PRIMARY KEY (citizen_id)
);
CREATE INDEX former_account_holder ON former_account USING btree (cap_holder_id);

CREATE TABLE honour (
    code text NOT NULL,
    title_zh text NOT NULL,
    title_en text NOT NULL,
    grades text[] NOT NULL,
    validity_months integer NOT NULL,
    is_renewable boolean NOT NULL,
    CONSTRAINT honour_pkey PRIMARY KEY (code),
    CONSTRAINT honour_validity_months_check CHECK (validity_months > 0)
);

CREATE TABLE import_part (
    import_id uuid NOT NULL,
    number integer NOT NULL,
    cipher bytea STORAGE EXTERNAL NOT NULL,
    CONSTRAINT import_part_pkey PRIMARY KEY (import_id, number),
    CONSTRAINT import_part_import_id_fkey FOREIGN KEY (import_id) REFERENCES record_import(id),
    CONSTRAINT import_part_number_check CHECK (number >= 0)
);

CREATE TABLE indicator (
    code text NOT NULL,
    topic text NOT NULL,
    topic_is_denied boolean DEFAULT false NOT NULL,
    title_zh text NOT NULL,
    title_en text NOT NULL,
    CONSTRAINT indicator_pkey PRIMARY KEY (code),
    CONSTRAINT indicator_topic_topic_is_denied_fkey FOREIGN KEY (topic, topic_is_denied) REFERENCES topic(code, is_denied),
    CONSTRAINT indicator_code_check CHECK (code ~ '^[A-Z][A-Z0-9_]{2,63}$'::text),
    CONSTRAINT indicator_topic_is_denied_check CHECK (NOT topic_is_denied)
);

CREATE TABLE institution (
    id uuid NOT NULL,
    name text NOT NULL,
    kind text NOT NULL,
    state text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT institution_pkey PRIMARY KEY (id),
    CONSTRAINT institution_name_key UNIQUE (name),
    CONSTRAINT institution_kind_check CHECK (kind = ANY (ARRAY['government'::text, 'hospital'::text, 'parking'::text, 'library'::text, 'transit'::text, 'bank'::text, 'merchant'::text])),
    CONSTRAINT institution_state_check CHECK (state = ANY (ARRAY['active'::text, 'suspended'::text]))
);

CREATE TABLE notice (
    id uuid NOT NULL,
    citizen_id uuid NOT NULL,
    kind text NOT NULL,
    subject_id uuid NOT NULL,
    title_zh text NOT NULL,
    title_en text NOT NULL,
    body_zh text NOT NULL,
    body_en text NOT NULL,
    at timestamp with time zone NOT NULL,
    read_at timestamp with time zone,
    delivery text NOT NULL,
    channel text,
    tries integer DEFAULT 0 NOT NULL,
    next_try_at timestamp with time zone,
    sent_at timestamp with time zone,
    CONSTRAINT notice_pkey PRIMARY KEY (id),
    CONSTRAINT notice_kind_subject_id_key UNIQUE (kind, subject_id),
    CONSTRAINT notice_citizen_id_fkey FOREIGN KEY (citizen_id) REFERENCES citizen(id),
    CONSTRAINT notice_channel_check CHECK (channel = ANY (ARRAY['wechat'::text, 'sms'::text])),
    CONSTRAINT notice_check CHECK (read_at >= at),
    CONSTRAINT notice_check1 CHECK ((delivery = 'pending'::text) = (next_try_at IS NOT NULL)),
    CONSTRAINT notice_check2 CHECK ((delivery = 'sent'::text) = (sent_at IS NOT NULL)),
    CONSTRAINT notice_check3 CHECK ((delivery = 'sent'::text) = (channel IS NOT NULL)),
    CONSTRAINT notice_delivery_check CHECK (delivery = ANY (ARRAY['pending'::text, 'sent'::text, 'failed'::text, 'none'::text])),
    CONSTRAINT notice_tries_check CHECK (tries >= 0)
);
CREATE INDEX notice_list ON notice USING btree (citizen_id, id DESC);
CREATE INDEX notice_pending ON notice USING btree (next_try_at) WHERE delivery = 'pending'::text;
CREATE INDEX notice_unread ON notice USING btree (citizen_id) WHERE read_at IS NULL;

CREATE TABLE notice_quota (
    citizen_id uuid NOT NULL,
    template text NOT NULL,
    remaining integer NOT NULL,
    CONSTRAINT notice_quota_pkey PRIMARY KEY (citizen_id, template),
    CONSTRAINT notice_quota_citizen_id_fkey FOREIGN KEY (citizen_id) REFERENCES citizen(id),
    CONSTRAINT notice_quota_remaining_check CHECK (remaining >= 0)
);

CREATE TABLE objection (
    id uuid NOT NULL,
    number text NOT NULL,
    citizen_id uuid NOT NULL,
    idempotency_key text NOT NULL,
    request_digest bytea NOT NULL,
    kind text NOT NULL,
    record_id uuid,
    indicator text,
    honour text,
    source text,
    text_cipher bytea NOT NULL,
    is_contact_ok boolean NOT NULL,
    state text NOT NULL,
    received_at timestamp with time zone NOT NULL,
    answer_due_on date NOT NULL,
    asked_at timestamp with time zone,
    finding text,
    answer_cipher bytea,
    answered_at timestamp with time zone,
    answered_by uuid,
    withdrawn_at timestamp with time zone,
    CONSTRAINT objection_pkey PRIMARY KEY (id),
    CONSTRAINT objection_idempotency_key_citizen_id_key UNIQUE (idempotency_key, citizen_id),
    CONSTRAINT objection_number_key UNIQUE (number),
    CONSTRAINT objection_citizen_id_fkey FOREIGN KEY (citizen_id) REFERENCES citizen(id),
    CONSTRAINT objection_honour_fkey FOREIGN KEY (honour) REFERENCES honour(code),
    CONSTRAINT objection_indicator_fkey FOREIGN KEY (indicator) REFERENCES indicator(code),
    CONSTRAINT objection_answer_is_whole CHECK (num_nulls(finding, answer_cipher, answered_at, answered_by) = ANY (ARRAY[0, 4])),
    CONSTRAINT objection_answered CHECK (state <> 'answered'::text OR answered_at IS NOT NULL),
    CONSTRAINT objection_asked CHECK (state <> 'asked'::text AND answered_at IS NULL OR asked_at IS NOT NULL),
    CONSTRAINT objection_finding_check CHECK (finding = ANY (ARRAY['confirmed'::text, 'wrong'::text, 'missing_found'::text, 'unknown'::text])),
    CONSTRAINT objection_finding_fits CHECK (finding IS DISTINCT FROM 'wrong'::text OR kind = 'wrong'::text),
    CONSTRAINT objection_found_fits CHECK (finding IS DISTINCT FROM 'missing_found'::text OR kind = 'missing'::text),
    CONSTRAINT objection_kind_check CHECK (kind = ANY (ARRAY['wrong'::text, 'missing'::text])),
    CONSTRAINT objection_number_check CHECK (number ~ '^[0-9A-HJKMNP-TV-Z]{5}-[0-9A-HJKMNP-TV-Z]{5}$'::text),
    CONSTRAINT objection_of_one_kind CHECK (indicator IS NULL OR honour IS NULL),
    CONSTRAINT objection_state_check CHECK (state = ANY (ARRAY['received'::text, 'asked'::text, 'answered'::text, 'withdrawn'::text])),
    CONSTRAINT objection_withdrawn CHECK ((state = 'withdrawn'::text) = (withdrawn_at IS NOT NULL)),
    CONSTRAINT objection_wrong_has_record CHECK ((kind = 'wrong'::text) = (record_id IS NOT NULL))
);
CREATE INDEX objection_citizen ON objection USING btree (citizen_id, id);
CREATE UNIQUE INDEX objection_open_record ON objection USING btree (record_id) WHERE state = ANY (ARRAY['received'::text, 'asked'::text, 'answered'::text]);
CREATE INDEX objection_state ON objection USING btree (state, id);

CREATE TABLE official (
    id uuid NOT NULL,
    username text NOT NULL,
    institution_id uuid,
    roles text[] NOT NULL,
    state text NOT NULL,
    password_hash text,
    totp_cipher bytea,
    totp_last_step bigint DEFAULT 0 NOT NULL,
    failed_tries integer DEFAULT 0 NOT NULL,
    locked_until timestamp with time zone,
    token_generation integer DEFAULT 0 NOT NULL,
    created_at timestamp with time zone NOT NULL,
    revision integer DEFAULT 1 NOT NULL,
    suspended_by_centre boolean DEFAULT false NOT NULL,
    enrolment_hash bytea,
    enrolment_expires_at timestamp with time zone,
    needs_second boolean DEFAULT false NOT NULL,
    asked_by uuid,
    enrolled_at timestamp with time zone,
    confirmed_by uuid,
    code_tries integer DEFAULT 0 NOT NULL,
    code_tries_since timestamp with time zone,
    CONSTRAINT official_pkey PRIMARY KEY (id),
    CONSTRAINT official_enrolment_hash_key UNIQUE (enrolment_hash),
    CONSTRAINT official_username_key UNIQUE (username),
    CONSTRAINT official_asked_by_fkey FOREIGN KEY (asked_by) REFERENCES official(id),
    CONSTRAINT official_confirmed_by_fkey FOREIGN KEY (confirmed_by) REFERENCES official(id),
    CONSTRAINT official_institution_id_fkey FOREIGN KEY (institution_id) REFERENCES institution(id),
    CONSTRAINT official_code_expires CHECK ((enrolment_hash IS NULL) = (enrolment_expires_at IS NULL)),
    CONSTRAINT official_confirmed_by_another CHECK (confirmed_by IS NULL OR confirmed_by <> id AND confirmed_by IS DISTINCT FROM asked_by),
    CONSTRAINT official_four_eyes CHECK ((state = ANY (ARRAY['invited'::text, 'enrolled'::text])) OR NOT needs_second OR confirmed_by IS NOT NULL),
    CONSTRAINT official_has_secrets CHECK (state = 'invited'::text OR password_hash IS NOT NULL AND totp_cipher IS NOT NULL),
    CONSTRAINT official_roles_check CHECK (cardinality(roles) > 0 AND roles <@ ARRAY['editor'::text, 'reviewer'::text, 'caseworker'::text, 'auditor'::text, 'importer'::text, 'administrator'::text]),
    CONSTRAINT official_state_check CHECK (state = ANY (ARRAY['invited'::text, 'enrolled'::text, 'active'::text, 'suspended'::text])),
    CONSTRAINT official_username_check CHECK (username ~ '^[a-z0-9][a-z0-9._-]{2,63}$'::text)
);

CREATE TABLE official_address (
    official_id uuid NOT NULL,
    address_hash bytea NOT NULL,
    seen_at timestamp with time zone NOT NULL,
    code_tries integer DEFAULT 0 NOT NULL,
    code_tries_since timestamp with time zone,
    CONSTRAINT official_address_pkey PRIMARY KEY (official_id, address_hash),
    CONSTRAINT official_address_official_id_fkey FOREIGN KEY (official_id) REFERENCES official(id)
);

CREATE TABLE point_event (
    source text NOT NULL,
    event_id text NOT NULL,
    kind text NOT NULL,
    citizen_id uuid NOT NULL,
    facts_digest bytea NOT NULL,
    received_at timestamp with time zone NOT NULL,
    CONSTRAINT point_event_pkey PRIMARY KEY (event_id, source),
    CONSTRAINT point_event_citizen_id_fkey FOREIGN KEY (citizen_id) REFERENCES citizen(id),
    CONSTRAINT point_event_source_kind_fkey FOREIGN KEY (source, kind) REFERENCES point_rule(source, kind)
);
CREATE INDEX point_event_citizen ON point_event USING btree (citizen_id);
CREATE INDEX point_event_kind ON point_event USING btree (source, kind);

CREATE TABLE point_inbox (
    id uuid NOT NULL,
    cipher bytea NOT NULL,
    received_at timestamp with time zone NOT NULL,
    failures smallint DEFAULT 0 NOT NULL,
    CONSTRAINT point_inbox_pkey PRIMARY KEY (id),
    CONSTRAINT point_inbox_failures_check CHECK (failures >= 0)
);

CREATE TABLE point_rule (
    source text NOT NULL,
    kind text NOT NULL,
    indicator text NOT NULL,
    numerator bigint NOT NULL,
    denominator bigint NOT NULL,
    yearly_cap bigint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT point_rule_pkey PRIMARY KEY (source, kind),
    CONSTRAINT point_rule_indicator_fkey FOREIGN KEY (indicator) REFERENCES indicator(code),
    CONSTRAINT point_rule_source_fkey FOREIGN KEY (source) REFERENCES source(code),
    CONSTRAINT point_rule_denominator_check CHECK (denominator > 0),
    CONSTRAINT point_rule_kind_check CHECK (kind ~ '^[a-z0-9_.-]{2,40}$'::text),
    CONSTRAINT point_rule_numerator_check CHECK (numerator > 0),
    CONSTRAINT point_rule_yearly_cap_check CHECK (yearly_cap > 0)
);

CREATE TABLE point_total (
    citizen_id uuid NOT NULL,
    source text NOT NULL,
    kind text NOT NULL,
    year smallint NOT NULL,
    total bigint NOT NULL,
    CONSTRAINT point_total_pkey PRIMARY KEY (citizen_id, source, kind, year),
    CONSTRAINT point_total_citizen_id_fkey FOREIGN KEY (citizen_id) REFERENCES citizen(id),
    CONSTRAINT point_total_source_kind_fkey FOREIGN KEY (source, kind) REFERENCES point_rule(source, kind),
    CONSTRAINT point_total_total_check CHECK (total > 0),
    CONSTRAINT point_total_year_check CHECK (year >= 1900 AND year <= 2999)
) WITH (fillfactor=90);

CREATE TABLE quarantine (
    import_id uuid NOT NULL,
    row_number bigint NOT NULL,
    reason text NOT NULL,
    note_zh text NOT NULL,
    note_en text NOT NULL,
    place text NOT NULL,
    row_cipher bytea,
    entered_at timestamp with time zone NOT NULL,
    corrected_by uuid,
    CONSTRAINT quarantine_pkey PRIMARY KEY (import_id, row_number),
    CONSTRAINT quarantine_corrected_by_fkey FOREIGN KEY (corrected_by) REFERENCES record_import(id),
    CONSTRAINT quarantine_import_id_fkey FOREIGN KEY (import_id) REFERENCES record_import(id),
    CONSTRAINT quarantine_row_number_check CHECK (row_number > 0)
);
CREATE INDEX quarantine_age ON quarantine USING btree (entered_at);

CREATE TABLE record (
    id uuid NOT NULL,
    citizen_id uuid NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    indicator text,
    honour text,
    source text NOT NULL,
    event_id text NOT NULL,
    event_on date NOT NULL,
    ends_on date,
    grade text,
    quantity bigint,
    document text,
    act_id text,
    state text NOT NULL,
    entered_at timestamp with time zone NOT NULL,
    entered_by uuid,
    CONSTRAINT record_pkey PRIMARY KEY (citizen_id, id),
    CONSTRAINT record_honour_fkey FOREIGN KEY (honour) REFERENCES honour(code),
    CONSTRAINT record_indicator_fkey FOREIGN KEY (indicator) REFERENCES indicator(code),
    CONSTRAINT record_check CHECK (ends_on >= event_on),
    CONSTRAINT record_is_indicator_or_honour CHECK ((indicator IS NULL) <> (honour IS NULL)),
    CONSTRAINT record_quantity_check CHECK (quantity >= 0),
    CONSTRAINT record_state_check CHECK (state = ANY (ARRAY['active'::text, 'suspended'::text, 'repaired'::text, 'corrected'::text, 'superseded'::text])),
    CONSTRAINT record_version_check CHECK (version > 0)
) PARTITION BY HASH (citizen_id);

CREATE TABLE record_import (
    id uuid NOT NULL,
    source text NOT NULL,
    parent_id uuid,
    state text NOT NULL,
    is_spooled boolean NOT NULL,
    file_digest bytea,
    file_bytes bigint,
    started_by uuid,
    idempotency_key text,
    created_at timestamp with time zone NOT NULL,
    finished_at timestamp with time zone,
    file_format jsonb,
    seen_bytes bigint DEFAULT 0 NOT NULL,
    next_row bigint DEFAULT 1 NOT NULL,
    counts jsonb NOT NULL,
    corrected bigint DEFAULT 0 NOT NULL,
    refusal jsonb,
    CONSTRAINT record_import_pkey PRIMARY KEY (id),
    CONSTRAINT record_import_parent_id_fkey FOREIGN KEY (parent_id) REFERENCES record_import(id),
    CONSTRAINT record_import_source_fkey FOREIGN KEY (source) REFERENCES source(code),
    CONSTRAINT record_import_started_by_fkey FOREIGN KEY (started_by) REFERENCES official(id),
    CONSTRAINT record_import_check CHECK ((refusal IS NOT NULL) = (state = 'refused'::text)),
    CONSTRAINT record_import_check1 CHECK (state = 'uploading'::text OR file_digest IS NOT NULL AND file_bytes IS NOT NULL),
    CONSTRAINT record_import_check2 CHECK ((finished_at IS NOT NULL) = (state = ANY (ARRAY['finished'::text, 'refused'::text, 'cancelled'::text]))),
    CONSTRAINT record_import_corrected_check CHECK (corrected >= 0),
    CONSTRAINT record_import_file_bytes_check CHECK (file_bytes >= 0),
    CONSTRAINT record_import_next_row_check CHECK (next_row > 0),
    CONSTRAINT record_import_seen_bytes_check CHECK (seen_bytes >= 0),
    CONSTRAINT record_import_state_check CHECK (state = ANY (ARRAY['uploading'::text, 'waiting'::text, 'running'::text, 'finished'::text, 'refused'::text, 'cancelled'::text]))
);
CREATE UNIQUE INDEX record_import_key ON record_import USING btree (idempotency_key, started_by) WHERE idempotency_key IS NOT NULL AND state <> 'uploading'::text;
CREATE UNIQUE INDEX record_import_once ON record_import USING btree (file_digest, source, parent_id) NULLS NOT DISTINCT WHERE state = ANY (ARRAY['waiting'::text, 'running'::text, 'finished'::text]);
CREATE INDEX record_import_open ON record_import USING btree (id) WHERE state = ANY (ARRAY['uploading'::text, 'waiting'::text, 'running'::text]);
CREATE INDEX record_import_source ON record_import USING btree (source, id DESC);

CREATE TABLE record_proposal (
    id uuid NOT NULL,
    state text NOT NULL,
    revision integer DEFAULT 1 NOT NULL,
    source text NOT NULL,
    citizen_id uuid,
    event_id text,
    indicator text,
    honour text,
    event_on date,
    ends_on date,
    grade text,
    quantity bigint,
    document text,
    act_id text,
    facts_digest bytea,
    proposed_by uuid NOT NULL,
    proposed_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    decided_by uuid,
    decided_at timestamp with time zone,
    reason text,
    CONSTRAINT record_proposal_pkey PRIMARY KEY (id),
    CONSTRAINT record_proposal_citizen_id_fkey FOREIGN KEY (citizen_id) REFERENCES citizen(id),
    CONSTRAINT record_proposal_decided_by_fkey FOREIGN KEY (decided_by) REFERENCES official(id),
    CONSTRAINT record_proposal_honour_fkey FOREIGN KEY (honour) REFERENCES honour(code),
    CONSTRAINT record_proposal_indicator_fkey FOREIGN KEY (indicator) REFERENCES indicator(code),
    CONSTRAINT record_proposal_proposed_by_fkey FOREIGN KEY (proposed_by) REFERENCES official(id),
    CONSTRAINT record_proposal_source_fkey FOREIGN KEY (source) REFERENCES source(code),
    CONSTRAINT record_proposal_check CHECK (expires_at > proposed_at),
    CONSTRAINT record_proposal_decided CHECK ((state = 'pending'::text) = (decided_at IS NULL) AND (state = ANY (ARRAY['approved'::text, 'rejected'::text])) = (decided_by IS NOT NULL) AND (state = 'rejected'::text) = (reason IS NOT NULL)),
    CONSTRAINT record_proposal_forgotten CHECK (
CASE
    WHEN state = 'pending'::text THEN num_nulls(citizen_id, event_id, event_on, facts_digest) = 0 AND num_nonnulls(indicator, honour) = 1
    ELSE num_nonnulls(citizen_id, event_id, indicator, honour, event_on, ends_on, grade, quantity, document, act_id, facts_digest) = 0
END),
    CONSTRAINT record_proposal_reason_check CHECK (reason = ANY (ARRAY['person_wrong'::text, 'facts_wrong'::text, 'document_missing'::text, 'not_proven'::text])),
    CONSTRAINT record_proposal_state_check CHECK (state = ANY (ARRAY['pending'::text, 'approved'::text, 'rejected'::text, 'expired'::text])),
    CONSTRAINT record_proposal_two_persons CHECK (decided_by <> proposed_by)
);
CREATE INDEX record_proposal_citizen ON record_proposal USING btree (citizen_id) WHERE citizen_id IS NOT NULL;
CREATE INDEX record_proposal_due ON record_proposal USING btree (expires_at) WHERE state = 'pending'::text;
CREATE UNIQUE INDEX record_proposal_event ON record_proposal USING btree (source, event_id) WHERE state = 'pending'::text;
CREATE INDEX record_proposal_old ON record_proposal USING btree (decided_at) WHERE state <> 'pending'::text;

CREATE TABLE record_source_event (
    source text COLLATE "C" NOT NULL,
    event_id text COLLATE "C" NOT NULL,
    record_id uuid NOT NULL,
    citizen_id uuid NOT NULL,
    facts_digest bytea NOT NULL,
    CONSTRAINT record_source_event_pkey PRIMARY KEY (source, event_id)
);

CREATE TABLE redemption (
    id uuid NOT NULL,
    institution_id uuid NOT NULL,
    scan_id uuid NOT NULL,
    benefit_id uuid NOT NULL,
    citizen_id uuid NOT NULL,
    cap_holder_id uuid,
    store_id uuid NOT NULL,
    terminal_id uuid NOT NULL,
    amount_fen bigint,
    discount_fen bigint,
    redeemed_at timestamp with time zone NOT NULL,
    reversible_until timestamp with time zone NOT NULL,
    slot_day date GENERATED ALWAYS AS (COALESCE(timezone('UTC'::text, uuid_extract_timestamp(scan_id)), timezone('UTC'::text, redeemed_at))::date) STORED NOT NULL,
    redeemed_on date GENERATED ALWAYS AS (timezone('Asia/Shanghai'::text, redeemed_at)::date) STORED NOT NULL,
    period_on date,
    campaign_version integer NOT NULL,
    reference_turn smallint DEFAULT 0 NOT NULL,
    step smallint,
    is_stock_counted boolean NOT NULL,
    state text NOT NULL,
    idempotency_key text COLLATE "C" NOT NULL,
    reference text COLLATE "C" NOT NULL,
    benefit_code text NOT NULL,
    title text NOT NULL,
    request_digest bytea NOT NULL,
    answer bytea NOT NULL,
    CONSTRAINT redemption_pkey PRIMARY KEY (institution_id, id),
    CONSTRAINT redemption_copy_amount_fen_check CHECK (amount_fen > 0),
    CONSTRAINT redemption_copy_check CHECK (discount_fen >= 0 AND discount_fen <= amount_fen),
    CONSTRAINT redemption_copy_reference_turn_check CHECK (reference_turn >= 0),
    CONSTRAINT redemption_copy_state_check CHECK (state = ANY (ARRAY['redeemed'::text, 'reversed'::text]))
);
CREATE INDEX redemption_citizen ON redemption USING btree (redeemed_on, citizen_id, id);
CREATE UNIQUE INDEX redemption_key ON redemption USING btree (slot_day, idempotency_key, institution_id);
CREATE UNIQUE INDEX redemption_once ON redemption USING btree (scan_id, benefit_id) WHERE state = 'redeemed'::text;
CREATE UNIQUE INDEX redemption_reference ON redemption USING btree (reference, institution_id, reference_turn);

CREATE TABLE refresh_token (
    token_hash bytea NOT NULL,
    session_id uuid NOT NULL,
    issued_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    replaced_at timestamp with time zone,
    CONSTRAINT refresh_token_pkey PRIMARY KEY (token_hash),
    CONSTRAINT refresh_token_session_id_fkey FOREIGN KEY (session_id) REFERENCES citizen_session(id)
);
CREATE INDEX refresh_token_session ON refresh_token USING btree (session_id);

CREATE TABLE refused_try (
    reference text NOT NULL,
    institution_id uuid NOT NULL,
    at timestamp with time zone NOT NULL,
    id uuid NOT NULL,
    store_id uuid,
    terminal_id uuid,
    outcome text NOT NULL,
    trace_id uuid NOT NULL,
    CONSTRAINT refused_try_pkey PRIMARY KEY (reference, institution_id, at, id)
) PARTITION BY RANGE (at);

CREATE TABLE reversal (
    id uuid NOT NULL,
    institution_id uuid NOT NULL,
    redemption_id uuid NOT NULL,
    idempotency_key text COLLATE "C" NOT NULL,
    request_digest bytea NOT NULL,
    reason text NOT NULL,
    reversed_at timestamp with time zone NOT NULL,
    answer bytea NOT NULL,
    CONSTRAINT reversal_pkey PRIMARY KEY (redemption_id, institution_id),
    CONSTRAINT reversal_key UNIQUE (idempotency_key, institution_id),
    CONSTRAINT reversal_redemption FOREIGN KEY (institution_id, redemption_id) REFERENCES redemption(institution_id, id)
);

CREATE TABLE rule_book (
    id integer GENERATED ALWAYS AS IDENTITY NOT NULL,
    code text NOT NULL,
    version integer NOT NULL,
    state text NOT NULL,
    document jsonb NOT NULL,
    digest bytea NOT NULL,
    base integer NOT NULL,
    scale_min integer,
    scale_max integer,
    level_codes text[] NOT NULL,
    level_edges integer[] NOT NULL,
    consent_purposes text[] NOT NULL,
    public_id uuid DEFAULT uuidv7() NOT NULL,
    revision integer DEFAULT 1 NOT NULL,
    examples jsonb DEFAULT '[]'::jsonb NOT NULL,
    makers uuid[] DEFAULT '{}'::uuid[] NOT NULL,
    drafted_by uuid,
    drafted_at timestamp with time zone,
    submitted_by uuid,
    submitted_at timestamp with time zone,
    decided_by uuid,
    decided_at timestamp with time zone,
    decision_note text,
    effective_on date,
    activated_at timestamp with time zone,
    retired_at timestamp with time zone,
    withdrawn_by uuid,
    CONSTRAINT rule_book_pkey PRIMARY KEY (id),
    CONSTRAINT rule_book_code_version_key UNIQUE (code, version),
    CONSTRAINT rule_book_public_id_key UNIQUE (public_id),
    CONSTRAINT rule_book_decided_by_fkey FOREIGN KEY (decided_by) REFERENCES official(id),
    CONSTRAINT rule_book_drafted_by_fkey FOREIGN KEY (drafted_by) REFERENCES official(id),
    CONSTRAINT rule_book_submitted_by_fkey FOREIGN KEY (submitted_by) REFERENCES official(id),
    CONSTRAINT rule_book_withdrawn_by_fkey FOREIGN KEY (withdrawn_by) REFERENCES official(id),
    CONSTRAINT rule_book_check CHECK (scale_min <= base),
    CONSTRAINT rule_book_check1 CHECK (scale_max >= base),
    CONSTRAINT rule_book_check2 CHECK (cardinality(level_edges) = cardinality(level_codes)),
    CONSTRAINT rule_book_maker_is_not_checker CHECK ((state = ANY (ARRAY['draft'::text, 'submitted'::text])) OR decided_by IS NULL OR NOT (decided_by = ANY (makers))),
    CONSTRAINT rule_book_makers_are_known CHECK ((drafted_by IS NULL OR (drafted_by = ANY (makers))) AND (submitted_by IS NULL OR (submitted_by = ANY (makers)))),
    CONSTRAINT rule_book_revision_check CHECK (revision > 0),
    CONSTRAINT rule_book_scheduled_by_two CHECK (state <> 'scheduled'::text OR effective_on IS NOT NULL AND decided_by IS NOT NULL AND submitted_by IS NOT NULL),
    CONSTRAINT rule_book_state_check CHECK (state = ANY (ARRAY['draft'::text, 'submitted'::text, 'scheduled'::text, 'active'::text, 'retired'::text])),
    CONSTRAINT rule_book_submitted_by_somebody CHECK (state <> 'submitted'::text OR submitted_by IS NOT NULL),
    CONSTRAINT rule_book_version_check CHECK (version > 0),
    CONSTRAINT rule_book_withdrawn_never_counted CHECK (withdrawn_by IS NULL OR state = 'retired'::text AND activated_at IS NULL)
);
CREATE UNIQUE INDEX rule_book_one_active ON rule_book USING btree (state) WHERE state = 'active'::text;
CREATE UNIQUE INDEX rule_book_one_scheduled ON rule_book USING btree (state) WHERE state = 'scheduled'::text;

CREATE TABLE rule_book_preview (
    rule_book_id integer NOT NULL,
    from_rule_book_id integer NOT NULL,
    state text NOT NULL,
    sample text NOT NULL,
    day date NOT NULL,
    requested_by uuid NOT NULL,
    requested_at timestamp with time zone NOT NULL,
    after_id uuid NOT NULL,
    citizens_done integer DEFAULT 0 NOT NULL,
    citizens_total integer,
    counts jsonb DEFAULT '{}'::jsonb NOT NULL,
    finished_at timestamp with time zone,
    report jsonb,
    CONSTRAINT rule_book_preview_pkey PRIMARY KEY (rule_book_id),
    CONSTRAINT rule_book_preview_from_rule_book_id_fkey FOREIGN KEY (from_rule_book_id) REFERENCES rule_book(id),
    CONSTRAINT rule_book_preview_requested_by_fkey FOREIGN KEY (requested_by) REFERENCES official(id),
    CONSTRAINT rule_book_preview_rule_book_id_fkey FOREIGN KEY (rule_book_id) REFERENCES rule_book(id),
    CONSTRAINT rule_book_preview_check CHECK ((finished_at IS NOT NULL) = (state = 'done'::text)),
    CONSTRAINT rule_book_preview_citizens_done_check CHECK (citizens_done >= 0),
    CONSTRAINT rule_book_preview_citizens_total_check CHECK (citizens_total >= 0),
    CONSTRAINT rule_book_preview_sample_check CHECK (sample = ANY (ARRAY['hundredth'::text, 'tenth'::text, 'all'::text])),
    CONSTRAINT rule_book_preview_state_check CHECK (state = ANY (ARRAY['waiting'::text, 'running'::text, 'done'::text]))
);
CREATE INDEX rule_book_preview_open ON rule_book_preview USING btree (requested_at) WHERE state <> 'done'::text;

CREATE TABLE rule_book_preview_request (
    id uuid NOT NULL,
    public_id uuid NOT NULL,
    requested_by uuid NOT NULL,
    requested_at timestamp with time zone NOT NULL,
    day date NOT NULL,
    CONSTRAINT rule_book_preview_request_pkey PRIMARY KEY (id),
    CONSTRAINT rule_book_preview_request_requested_by_fkey FOREIGN KEY (requested_by) REFERENCES official(id)
);
CREATE INDEX rule_book_preview_request_day ON rule_book_preview_request USING btree (day);

CREATE TABLE rule_book_preview_told (
    id uuid NOT NULL,
    sample text NOT NULL,
    told_at timestamp with time zone NOT NULL,
    buckets bytea NOT NULL,
    report jsonb NOT NULL,
    CONSTRAINT rule_book_preview_told_pkey PRIMARY KEY (id),
    CONSTRAINT rule_book_preview_told_sample_check CHECK (sample = ANY (ARRAY['hundredth'::text, 'tenth'::text, 'all'::text]))
);
CREATE INDEX rule_book_preview_told_sample ON rule_book_preview_told USING btree (sample, told_at);

CREATE TABLE rule_dimension (
    rule_book_id integer NOT NULL,
    code text NOT NULL,
    "position" smallint NOT NULL,
    floor integer,
    cap integer,
    breaks_good_faith boolean NOT NULL,
    CONSTRAINT rule_dimension_pkey PRIMARY KEY (rule_book_id, code),
    CONSTRAINT rule_dimension_rule_book_id_fkey FOREIGN KEY (rule_book_id) REFERENCES rule_book(id),
    CONSTRAINT rule_dimension_check CHECK (cap >= floor)
);

CREATE TABLE rule_term (
    rule_book_id integer NOT NULL,
    indicator text NOT NULL,
    grade text NOT NULL,
    dimension text NOT NULL,
    kind text NOT NULL,
    points integer NOT NULL,
    ceiling integer,
    validity_months integer,
    severity text,
    annual_cap integer,
    doubles boolean NOT NULL,
    adds_up boolean NOT NULL,
    breaks_good_faith boolean NOT NULL,
    exclusive_group text,
    supersedes text[] NOT NULL,
    consent_purpose text,
    rung_edges bigint[] NOT NULL,
    rung_points integer[] NOT NULL,
    no integer GENERATED ALWAYS AS IDENTITY NOT NULL,
    is_superseded boolean DEFAULT false NOT NULL,
    is_lasting boolean GENERATED ALWAYS AS (kind = ANY (ARRAY['state'::text, 'ceiling'::text])) STORED NOT NULL,
    is_bundled boolean GENERATED ALWAYS AS ((kind = ANY (ARRAY['state'::text, 'ceiling'::text])) AND NOT adds_up OR kind = 'ladder'::text) STORED NOT NULL,
    CONSTRAINT rule_term_pkey PRIMARY KEY (rule_book_id, indicator, grade),
    CONSTRAINT rule_term_no_key UNIQUE (no),
    CONSTRAINT rule_term_indicator_fkey FOREIGN KEY (indicator) REFERENCES indicator(code),
    CONSTRAINT rule_term_rule_book_id_dimension_fkey FOREIGN KEY (rule_book_id, dimension) REFERENCES rule_dimension(rule_book_id, code),
    CONSTRAINT rule_term_rule_book_id_fkey FOREIGN KEY (rule_book_id) REFERENCES rule_book(id),
    CONSTRAINT rule_term_check CHECK (ceiling IS NOT NULL OR kind <> 'ceiling'::text),
    CONSTRAINT rule_term_check1 CHECK (cardinality(rung_points) = cardinality(rung_edges)),
    CONSTRAINT rule_term_kind_check CHECK (kind = ANY (ARRAY['flat'::text, 'graded'::text, 'ladder'::text, 'state'::text, 'clean'::text, 'ceiling'::text])),
    CONSTRAINT rule_term_severity_check CHECK (severity = ANY (ARRAY['minor'::text, 'general'::text, 'serious'::text])),
    CONSTRAINT rule_term_validity_months_check CHECK (validity_months > 0)
);

CREATE TABLE scan (
    slot_day date NOT NULL,
    code_id text COLLATE "C" NOT NULL,
    id uuid NOT NULL,
    institution_id uuid NOT NULL,
    store_id uuid NOT NULL,
    terminal_id uuid NOT NULL,
    citizen_id uuid NOT NULL,
    scenario text,
    scanned_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    CONSTRAINT scan_pkey PRIMARY KEY (code_id, slot_day),
    CONSTRAINT scan_id_slot_day_key UNIQUE (id, slot_day),
    CONSTRAINT scan_code_id_check CHECK (length(code_id) = 20)
) PARTITION BY RANGE (slot_day);

CREATE TABLE scenario (
    code text NOT NULL,
    title_zh text NOT NULL,
    title_en text NOT NULL,
    use text NOT NULL,
    use_is_denied boolean DEFAULT false NOT NULL,
    needs_name boolean NOT NULL,
    needs_without_score boolean NOT NULL,
    revision integer DEFAULT 1 NOT NULL,
    CONSTRAINT scenario_pkey PRIMARY KEY (code),
    CONSTRAINT scenario_use_use_is_denied_fkey FOREIGN KEY (use, use_is_denied) REFERENCES scenario_use(code, is_denied),
    CONSTRAINT scenario_code_check CHECK (code ~ '^[a-z][a-z0-9_]{1,39}$'::text),
    CONSTRAINT scenario_revision_check CHECK (revision > 0),
    CONSTRAINT scenario_use_is_denied_check CHECK (NOT use_is_denied)
);

CREATE TABLE scenario_proposal (
    id uuid NOT NULL,
    code text NOT NULL,
    title_zh text NOT NULL,
    title_en text NOT NULL,
    use text NOT NULL,
    use_is_denied boolean DEFAULT false NOT NULL,
    needs_name boolean NOT NULL,
    needs_without_score boolean NOT NULL,
    state text NOT NULL,
    proposed_by uuid NOT NULL,
    proposed_at timestamp with time zone NOT NULL,
    decided_by uuid,
    decided_at timestamp with time zone,
    note text,
    CONSTRAINT scenario_proposal_pkey PRIMARY KEY (id),
    CONSTRAINT scenario_proposal_decided_by_fkey FOREIGN KEY (decided_by) REFERENCES official(id),
    CONSTRAINT scenario_proposal_proposed_by_fkey FOREIGN KEY (proposed_by) REFERENCES official(id),
    CONSTRAINT scenario_proposal_use_use_is_denied_fkey FOREIGN KEY (use, use_is_denied) REFERENCES scenario_use(code, is_denied),
    CONSTRAINT scenario_proposal_check CHECK ((state = 'waiting'::text) = (decided_by IS NULL) AND (decided_by IS NULL) = (decided_at IS NULL)),
    CONSTRAINT scenario_proposal_code_check CHECK (code ~ '^[a-z][a-z0-9_]{1,39}$'::text),
    CONSTRAINT scenario_proposal_state_check CHECK (state = ANY (ARRAY['waiting'::text, 'confirmed'::text, 'rejected'::text])),
    CONSTRAINT scenario_proposal_use_is_denied_check CHECK (NOT use_is_denied),
    CONSTRAINT scenario_proposer_is_not_confirmer CHECK (state <> 'confirmed'::text OR decided_by <> proposed_by)
);
CREATE UNIQUE INDEX scenario_proposal_waiting ON scenario_proposal USING btree (code) WHERE state = 'waiting'::text;

CREATE TABLE scenario_use (
    code text NOT NULL,
    is_denied boolean NOT NULL,
    title_zh text NOT NULL,
    title_en text NOT NULL,
    CONSTRAINT scenario_use_pkey PRIMARY KEY (code),
    CONSTRAINT scenario_use_code_is_denied_key UNIQUE (code, is_denied)
);

CREATE TABLE score_change (
    id uuid NOT NULL,
    citizen_id uuid NOT NULL,
    at timestamp with time zone NOT NULL,
    from_value integer,
    to_value integer NOT NULL,
    from_level text,
    to_level text NOT NULL,
    reasons jsonb NOT NULL,
    CONSTRAINT score_change_pkey PRIMARY KEY (id),
    CONSTRAINT score_change_citizen_id_fkey FOREIGN KEY (citizen_id) REFERENCES citizen(id)
);
CREATE INDEX score_change_citizen ON score_change USING btree (citizen_id, id DESC);

CREATE TABLE score_due (
    citizen_id uuid NOT NULL,
    since timestamp with time zone NOT NULL,
    CONSTRAINT score_due_pkey PRIMARY KEY (citizen_id)
) WITH (fillfactor=70);

CREATE TABLE score_moved (
    citizen_id uuid NOT NULL,
    CONSTRAINT score_moved_pkey PRIMARY KEY (citizen_id)
);

CREATE TABLE score_preparation (
    id integer GENERATED ALWAYS AS IDENTITY NOT NULL,
    rule_book_id integer NOT NULL,
    as_of date NOT NULL,
    phase text NOT NULL,
    citizens integer NOT NULL,
    opened_at timestamp with time zone NOT NULL,
    switched_at timestamp with time zone,
    finished_at timestamp with time zone,
    CONSTRAINT score_preparation_pkey PRIMARY KEY (id),
    CONSTRAINT score_preparation_rule_book_id_fkey FOREIGN KEY (rule_book_id) REFERENCES rule_book(id),
    CONSTRAINT score_preparation_check CHECK ((switched_at IS NULL) = (phase = ANY (ARRAY['preparing'::text, 'dropped'::text]))),
    CONSTRAINT score_preparation_check1 CHECK ((finished_at IS NULL) = (phase = ANY (ARRAY['preparing'::text, 'telling'::text]))),
    CONSTRAINT score_preparation_citizens_check CHECK (citizens >= 0),
    CONSTRAINT score_preparation_phase_check CHECK (phase = ANY (ARRAY['preparing'::text, 'telling'::text, 'done'::text, 'dropped'::text]))
);
CREATE UNIQUE INDEX score_preparation_one_open ON score_preparation USING btree ((true)) WHERE phase = ANY (ARRAY['preparing'::text, 'telling'::text]);

CREATE TABLE score_preparation_chunk (
    preparation_id integer NOT NULL,
    number integer NOT NULL,
    after_id uuid NOT NULL,
    last_id uuid NOT NULL,
    done_at timestamp with time zone,
    CONSTRAINT score_preparation_chunk_pkey PRIMARY KEY (preparation_id, number),
    CONSTRAINT score_preparation_chunk_preparation_id_fkey FOREIGN KEY (preparation_id) REFERENCES score_preparation(id),
    CONSTRAINT score_preparation_chunk_check CHECK (last_id > after_id)
);

CREATE TABLE score_prepared (
    citizen_id uuid NOT NULL,
    value integer NOT NULL,
    level text NOT NULL,
    dimensions jsonb,
    honours jsonb NOT NULL,
    parts jsonb,
    rule_book_id integer NOT NULL,
    as_of date NOT NULL,
    next_change_on date,
    inputs_hash bytea NOT NULL,
    computed_at timestamp with time zone NOT NULL,
    dimension_points bigint[],
    part_points bigint[],
    CONSTRAINT score_prepared_pkey PRIMARY KEY (citizen_id),
    CONSTRAINT score_one_form CHECK (num_nonnulls(dimensions, dimension_points) = 1 AND num_nonnulls(parts, part_points) = 1) NOT VALID
);
CREATE INDEX score_prepared_due ON score_prepared USING btree (next_change_on) WHERE next_change_on IS NOT NULL;

CREATE TABLE score_snapshot (
    citizen_id uuid NOT NULL,
    value integer NOT NULL,
    level text NOT NULL,
    dimensions jsonb,
    honours jsonb NOT NULL,
    parts jsonb,
    rule_book_id integer NOT NULL,
    as_of date NOT NULL,
    next_change_on date,
    inputs_hash bytea NOT NULL,
    computed_at timestamp with time zone NOT NULL,
    dimension_points bigint[],
    part_points bigint[],
    CONSTRAINT score_snapshot_pkey PRIMARY KEY (citizen_id),
    CONSTRAINT score_one_form CHECK (num_nonnulls(dimensions, dimension_points) = 1 AND num_nonnulls(parts, part_points) = 1) NOT VALID
) WITH (fillfactor=85);
CREATE INDEX score_snapshot_due ON score_snapshot USING btree (next_change_on) WHERE next_change_on IS NOT NULL;

CREATE TABLE source (
    code text NOT NULL,
    title_zh text NOT NULL,
    title_en text NOT NULL,
    institution_id uuid,
    mapping jsonb NOT NULL,
    indicators text[],
    honours text[],
    revision integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT source_pkey PRIMARY KEY (code),
    CONSTRAINT source_institution_id_fkey FOREIGN KEY (institution_id) REFERENCES institution(id),
    CONSTRAINT source_code_check CHECK (code ~ '^[a-z0-9_.-]{2,40}$'::text),
    CONSTRAINT source_revision_check CHECK (revision > 0)
);

CREATE TABLE source_day (
    source text NOT NULL,
    day date NOT NULL,
    outcome text NOT NULL,
    rows bigint NOT NULL,
    CONSTRAINT source_day_pkey PRIMARY KEY (source, day, outcome),
    CONSTRAINT source_day_rows_check CHECK (rows > 0)
);

CREATE TABLE source_id_shape (
    source text NOT NULL,
    field text NOT NULL,
    digits smallint,
    rows bigint NOT NULL,
    begins_with_zero boolean NOT NULL,
    CONSTRAINT source_id_shape_pkey PRIMARY KEY (source, field),
    CONSTRAINT source_id_shape_digits_check CHECK (digits > 0),
    CONSTRAINT source_id_shape_field_check CHECK (field = ANY (ARRAY['eventId'::text, 'actId'::text])),
    CONSTRAINT source_id_shape_rows_check CHECK (rows > 0)
);

CREATE TABLE source_secret (
    id uuid NOT NULL,
    source text NOT NULL,
    cipher bytea NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone,
    CONSTRAINT source_secret_pkey PRIMARY KEY (id),
    CONSTRAINT source_secret_source_fkey FOREIGN KEY (source) REFERENCES source(code)
);
CREATE UNIQUE INDEX source_secret_current ON source_secret USING btree (source) WHERE expires_at IS NULL;

CREATE TABLE standing (
    subject_id uuid NOT NULL,
    revision integer NOT NULL,
    suspended_by_centre boolean NOT NULL,
    CONSTRAINT standing_pkey PRIMARY KEY (subject_id),
    CONSTRAINT standing_revision_check CHECK (revision > 0)
);

CREATE TABLE store (
    id uuid NOT NULL,
    institution_id uuid NOT NULL,
    name text NOT NULL,
    state text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT store_pkey PRIMARY KEY (id),
    CONSTRAINT store_institution_id_id_key UNIQUE (institution_id, id),
    CONSTRAINT store_institution_id_name_key UNIQUE (institution_id, name),
    CONSTRAINT store_institution_id_fkey FOREIGN KEY (institution_id) REFERENCES institution(id),
    CONSTRAINT store_state_check CHECK (state = ANY (ARRAY['active'::text, 'suspended'::text]))
);

CREATE TABLE terminal (
    id uuid NOT NULL,
    institution_id uuid NOT NULL,
    store_id uuid NOT NULL,
    name text NOT NULL,
    state text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT terminal_pkey PRIMARY KEY (id),
    CONSTRAINT terminal_store_id_name_key UNIQUE (store_id, name),
    CONSTRAINT terminal_institution_id_store_id_fkey FOREIGN KEY (institution_id, store_id) REFERENCES store(institution_id, id),
    CONSTRAINT terminal_state_check CHECK (state = ANY (ARRAY['active'::text, 'suspended'::text]))
);

CREATE TABLE tombstone (
    person_hash bytea NOT NULL,
    cap_holder_id uuid NOT NULL,
    left_at timestamp with time zone NOT NULL,
    forget_at timestamp with time zone NOT NULL,
    CONSTRAINT tombstone_pkey PRIMARY KEY (person_hash),
    CONSTRAINT tombstone_check CHECK (forget_at > left_at)
);

CREATE TABLE topic (
    code text NOT NULL,
    is_denied boolean NOT NULL,
    title_zh text NOT NULL,
    title_en text NOT NULL,
    CONSTRAINT topic_pkey PRIMARY KEY (code),
    CONSTRAINT topic_code_is_denied_key UNIQUE (code, is_denied)
);
