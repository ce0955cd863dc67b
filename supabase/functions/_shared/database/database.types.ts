export type Json = string | number | boolean | null | { [key: string]: Json | undefined } | Json[];

export type Database = {
  "public": {
    Tables: {
      "alerts": {
        Row: {
          "created_at": string;
          "event": string;
          "fields": NonNullable<Json>;
          "hour": string;
          "id": number;
          "last_at": string;
          "subject": string;
          "times": number;
        };
        ComputedFields: never;
        Insert: {
          "created_at": string;
          "event": string;
          "fields": NonNullable<Json>;
          "hour": string;
          "id"?: never;
          "last_at": string;
          "subject": string;
          "times"?: number;
        };
        Update: {
          "created_at"?: string;
          "event"?: string;
          "fields"?: NonNullable<Json>;
          "hour"?: string;
          "id"?: never;
          "last_at"?: string;
          "subject"?: string;
          "times"?: number;
        };
        Relationships: [];
      };
      "app_settings": {
        Row: {
          "active_jobs_per_user": number;
          "attempts_per_step": number;
          "cancels_after_start_per_day": number;
          "canvas_bytes_per_user": number;
          "canvas_projects_per_user": number;
          "canvas_rows_per_user": number;
          "check_interval_max_seconds": number;
          "check_interval_min_seconds": number;
          "circuit_failures": number;
          "circuit_open_seconds": number;
          "copy_lease_seconds": number;
          "generations_per_hour": number;
          "idempotency_hours": number;
          "only_row": boolean;
          "public_functions_url": string | null;
          "refusals_after_start_per_day": number;
          "retention_days": number | null;
          "seconds_per_month": number | null;
          "store_retry_hours": number;
          "tombstone_days": number;
          "unknown_submission_seconds": number;
          "upload_bytes_per_day": number;
          "uploads_per_day": number;
          "welcome_credits": number;
        };
        ComputedFields: never;
        Insert: {
          "active_jobs_per_user"?: number;
          "attempts_per_step"?: number;
          "cancels_after_start_per_day"?: number;
          "canvas_bytes_per_user"?: number;
          "canvas_projects_per_user"?: number;
          "canvas_rows_per_user"?: number;
          "check_interval_max_seconds"?: number;
          "check_interval_min_seconds"?: number;
          "circuit_failures"?: number;
          "circuit_open_seconds"?: number;
          "copy_lease_seconds"?: number;
          "generations_per_hour"?: number;
          "idempotency_hours"?: number;
          "only_row"?: boolean;
          "public_functions_url"?: string | null;
          "refusals_after_start_per_day"?: number;
          "retention_days"?: number | null;
          "seconds_per_month"?: number | null;
          "store_retry_hours"?: number;
          "tombstone_days"?: number;
          "unknown_submission_seconds"?: number;
          "upload_bytes_per_day"?: number;
          "uploads_per_day"?: number;
          "welcome_credits"?: number;
        };
        Update: {
          "active_jobs_per_user"?: number;
          "attempts_per_step"?: number;
          "cancels_after_start_per_day"?: number;
          "canvas_bytes_per_user"?: number;
          "canvas_projects_per_user"?: number;
          "canvas_rows_per_user"?: number;
          "check_interval_max_seconds"?: number;
          "check_interval_min_seconds"?: number;
          "circuit_failures"?: number;
          "circuit_open_seconds"?: number;
          "copy_lease_seconds"?: number;
          "generations_per_hour"?: number;
          "idempotency_hours"?: number;
          "only_row"?: boolean;
          "public_functions_url"?: string | null;
          "refusals_after_start_per_day"?: number;
          "retention_days"?: number | null;
          "seconds_per_month"?: number | null;
          "store_retry_hours"?: number;
          "tombstone_days"?: number;
          "unknown_submission_seconds"?: number;
          "upload_bytes_per_day"?: number;
          "uploads_per_day"?: number;
          "welcome_credits"?: number;
        };
        Relationships: [];
      };
      "connections": {
        Row: {
          "created_at": string;
          "id": string;
          "project_id": string;
          "source_handle": string | null;
          "source_node_id": string;
          "target_handle": string | null;
          "target_node_id": string;
        };
        ComputedFields: never;
        Insert: {
          "created_at"?: string;
          "id"?: string;
          "project_id": string;
          "source_handle"?: string | null;
          "source_node_id": string;
          "target_handle"?: string | null;
          "target_node_id": string;
        };
        Update: {
          "created_at"?: string;
          "id"?: string;
          "project_id"?: string;
          "source_handle"?: string | null;
          "source_node_id"?: string;
          "target_handle"?: string | null;
          "target_node_id"?: string;
        };
        Relationships: [
          {
            foreignKeyName: "connection_has_a_source";
            columns: ["project_id", "source_node_id"];
            isOneToOne: false;
            referencedRelation: "nodes";
            referencedColumns: ["project_id", "id"];
          },
          {
            foreignKeyName: "connection_has_a_target";
            columns: ["project_id", "target_node_id"];
            isOneToOne: false;
            referencedRelation: "nodes";
            referencedColumns: ["project_id", "id"];
          },
          {
            foreignKeyName: "connections_project_id_fkey";
            columns: ["project_id"];
            isOneToOne: false;
            referencedRelation: "projects";
            referencedColumns: ["id"];
          },
        ];
      };
      "credit_balances": {
        Row: {
          "credits_remaining": number;
          "updated_at": string;
          "user_id": string;
        };
        ComputedFields: never;
        Insert: {
          "credits_remaining": number;
          "updated_at"?: string;
          "user_id": string;
        };
        Update: {
          "credits_remaining"?: number;
          "updated_at"?: string;
          "user_id"?: string;
        };
        Relationships: [];
      };
      "deleted_videos": {
        Row: {
          "deleted_at": string;
          "job_id": string;
          "user_id": string;
        };
        ComputedFields: never;
        Insert: {
          "deleted_at": string;
          "job_id": string;
          "user_id": string;
        };
        Update: {
          "deleted_at"?: string;
          "job_id"?: string;
          "user_id"?: string;
        };
        Relationships: [
          {
            foreignKeyName: "deleted_videos_user_id_fkey";
            columns: ["user_id"];
            isOneToOne: false;
            referencedRelation: "credit_balances";
            referencedColumns: ["user_id"];
          },
        ];
      };
      "idempotency_log": {
        Row: {
          "created_at": string;
          "expires_at": string;
          "idempotency_key": string;
          "job_id": string;
          "operation_type": string;
          "request_hash": string;
          "response_data": NonNullable<Json>;
          "status_code": number;
          "user_id": string;
        };
        ComputedFields: never;
        Insert: {
          "created_at": string;
          "expires_at": string;
          "idempotency_key": string;
          "job_id": string;
          "operation_type": string;
          "request_hash": string;
          "response_data": NonNullable<Json>;
          "status_code": number;
          "user_id": string;
        };
        Update: {
          "created_at"?: string;
          "expires_at"?: string;
          "idempotency_key"?: string;
          "job_id"?: string;
          "operation_type"?: string;
          "request_hash"?: string;
          "response_data"?: NonNullable<Json>;
          "status_code"?: number;
          "user_id"?: string;
        };
        Relationships: [
          {
            foreignKeyName: "idempotency_log_user_id_fkey";
            columns: ["user_id"];
            isOneToOne: false;
            referencedRelation: "credit_balances";
            referencedColumns: ["user_id"];
          },
        ];
      };
      "models": {
        Row: {
          "category": string;
          "cost_per_generation": number | null;
          "cost_per_second": number | null;
          "created_at": string;
          "description": string;
          "files_are_public": boolean;
          "id": string;
          "is_available": boolean;
          "is_default": boolean;
          "is_featured": boolean;
          "max_run_seconds": number;
          "name": string;
          "pricing_type": string;
          "provider": string;
          "provider_model_id": string;
          "settings_schema": NonNullable<Json>;
          "start_within_seconds": number;
          "thumbnail_url": string | null;
          "typical_seconds": number;
          "unavailable_reason": string | null;
        };
        ComputedFields: never;
        Insert: {
          "category": string;
          "cost_per_generation"?: number | null;
          "cost_per_second"?: number | null;
          "created_at"?: string;
          "description"?: string;
          "files_are_public"?: boolean;
          "id"?: string;
          "is_available"?: boolean;
          "is_default"?: boolean;
          "is_featured"?: boolean;
          "max_run_seconds"?: number;
          "name": string;
          "pricing_type": string;
          "provider": string;
          "provider_model_id": string;
          "settings_schema": NonNullable<Json>;
          "start_within_seconds"?: number;
          "thumbnail_url"?: string | null;
          "typical_seconds"?: number;
          "unavailable_reason"?: string | null;
        };
        Update: {
          "category"?: string;
          "cost_per_generation"?: number | null;
          "cost_per_second"?: number | null;
          "created_at"?: string;
          "description"?: string;
          "files_are_public"?: boolean;
          "id"?: string;
          "is_available"?: boolean;
          "is_default"?: boolean;
          "is_featured"?: boolean;
          "max_run_seconds"?: number;
          "name"?: string;
          "pricing_type"?: string;
          "provider"?: string;
          "provider_model_id"?: string;
          "settings_schema"?: NonNullable<Json>;
          "start_within_seconds"?: number;
          "thumbnail_url"?: string | null;
          "typical_seconds"?: number;
          "unavailable_reason"?: string | null;
        };
        Relationships: [];
      };
      "nodes": {
        Row: {
          "created_at": string;
          "data": NonNullable<Json>;
          "error_message": string | null;
          "id": string;
          "position": NonNullable<Json>;
          "project_id": string;
          "status": string;
          "type": string;
          "updated_at": string;
        };
        ComputedFields: never;
        Insert: {
          "created_at"?: string;
          "data"?: NonNullable<Json>;
          "error_message"?: string | null;
          "id"?: string;
          "position"?: NonNullable<Json>;
          "project_id": string;
          "status"?: string;
          "type": string;
          "updated_at"?: string;
        };
        Update: {
          "created_at"?: string;
          "data"?: NonNullable<Json>;
          "error_message"?: string | null;
          "id"?: string;
          "position"?: NonNullable<Json>;
          "project_id"?: string;
          "status"?: string;
          "type"?: string;
          "updated_at"?: string;
        };
        Relationships: [
          {
            foreignKeyName: "nodes_project_id_fkey";
            columns: ["project_id"];
            isOneToOne: false;
            referencedRelation: "projects";
            referencedColumns: ["id"];
          },
        ];
      };
      "pipeline_steps": {
        Row: {
          "credits": number;
          "description": string;
          "is_available": boolean;
          "name": string;
          "patience_seconds": number;
          "produces": string;
          "provider": string;
        };
        ComputedFields: never;
        Insert: {
          "credits"?: number;
          "description": string;
          "is_available"?: boolean;
          "name": string;
          "patience_seconds"?: number;
          "produces": string;
          "provider": string;
        };
        Update: {
          "credits"?: number;
          "description"?: string;
          "is_available"?: boolean;
          "name"?: string;
          "patience_seconds"?: number;
          "produces"?: string;
          "provider"?: string;
        };
        Relationships: [
          {
            foreignKeyName: "step_has_a_tool";
            columns: ["name", "provider"];
            isOneToOne: false;
            referencedRelation: "pipeline_tools";
            referencedColumns: ["step", "provider"];
          },
        ];
      };
      "pipeline_tools": {
        Row: {
          "input": NonNullable<Json>;
          "max_run_seconds": number;
          "provider": string;
          "provider_model_id": string;
          "step": string;
          "typical_seconds": number;
        };
        ComputedFields: never;
        Insert: {
          "input": NonNullable<Json>;
          "max_run_seconds"?: number;
          "provider": string;
          "provider_model_id": string;
          "step": string;
          "typical_seconds"?: number;
        };
        Update: {
          "input"?: NonNullable<Json>;
          "max_run_seconds"?: number;
          "provider"?: string;
          "provider_model_id"?: string;
          "step"?: string;
          "typical_seconds"?: number;
        };
        Relationships: [];
      };
      "project_members": {
        Row: {
          "created_at": string;
          "project_id": string;
          "role": string;
          "user_id": string;
        };
        ComputedFields: never;
        Insert: {
          "created_at"?: string;
          "project_id": string;
          "role": string;
          "user_id": string;
        };
        Update: {
          "created_at"?: string;
          "project_id"?: string;
          "role"?: string;
          "user_id"?: string;
        };
        Relationships: [
          {
            foreignKeyName: "project_members_project_id_fkey";
            columns: ["project_id"];
            isOneToOne: false;
            referencedRelation: "projects";
            referencedColumns: ["id"];
          },
          {
            foreignKeyName: "project_members_user_id_fkey";
            columns: ["user_id"];
            isOneToOne: false;
            referencedRelation: "credit_balances";
            referencedColumns: ["user_id"];
          },
        ];
      };
      "projects": {
        Row: {
          "created_at": string;
          "id": string;
          "name": string;
          "owner_id": string;
          "updated_at": string;
        };
        ComputedFields: never;
        Insert: {
          "created_at"?: string;
          "id"?: string;
          "name"?: string;
          "owner_id"?: string;
          "updated_at"?: string;
        };
        Update: {
          "created_at"?: string;
          "id"?: string;
          "name"?: string;
          "owner_id"?: string;
          "updated_at"?: string;
        };
        Relationships: [
          {
            foreignKeyName: "projects_owner_id_fkey";
            columns: ["owner_id"];
            isOneToOne: false;
            referencedRelation: "credit_balances";
            referencedColumns: ["user_id"];
          },
        ];
      };
      "quota_log": {
        Row: {
          "balance_after": number;
          "change": number;
          "created_at": string;
          "id": number;
          "job_id": string | null;
          "reason": string;
          "transaction_id": string | null;
          "user_id": string;
        };
        ComputedFields: never;
        Insert: {
          "balance_after": number;
          "change": number;
          "created_at"?: string;
          "id"?: never;
          "job_id"?: string | null;
          "reason": string;
          "transaction_id"?: string | null;
          "user_id": string;
        };
        Update: {
          "balance_after"?: number;
          "change"?: number;
          "created_at"?: string;
          "id"?: never;
          "job_id"?: string | null;
          "reason"?: string;
          "transaction_id"?: string | null;
          "user_id"?: string;
        };
        Relationships: [];
      };
      "subtitle_fonts": {
        Row: {
          "characters": string;
          "family": string;
          "is_bold": boolean;
          "rank": number;
          "url": string;
        };
        ComputedFields: never;
        Insert: {
          "characters": string;
          "family": string;
          "is_bold": boolean;
          "rank": number;
          "url": string;
        };
        Update: {
          "characters"?: string;
          "family"?: string;
          "is_bold"?: boolean;
          "rank"?: number;
          "url"?: string;
        };
        Relationships: [];
      };
      "video_jobs": {
        Row: {
          "attempts": number;
          "completed_at": string | null;
          "created_at": string;
          "credits_refunded": number;
          "credits_used": number;
          "error_code": string | null;
          "error_message": string | null;
          "expected_at": string | null;
          "files_are_public": boolean;
          "id": number;
          "image_path": string | null;
          "image_url": string | null;
          "imported_from": string | null;
          "job_id": string;
          "kind": string;
          "model_id": string;
          "node_id": string | null;
          "progress_percent": number;
          "prompt": string;
          "provider": NonNullable<Json>;
          "queue_position": number | null;
          "seconds": number;
          "settings": NonNullable<Json>;
          "skipped_extras": (string)[];
          "stage": string;
          "status": string;
          "step": number;
          "step_names": (string)[];
          "steps": number;
          "subtitles_path": string | null;
          "tail_image_path": string | null;
          "tail_image_url": string | null;
          "thumbnail_path": string | null;
          "thumbnail_url": string | null;
          "updated_at": string;
          "user_id": string;
          "video_path": string | null;
          "video_url": string | null;
        };
        ComputedFields: never;
        Insert: {
          "attempts"?: number;
          "completed_at"?: string | null;
          "created_at": string;
          "credits_refunded"?: number;
          "credits_used": number;
          "error_code"?: string | null;
          "error_message"?: string | null;
          "expected_at"?: string | null;
          "files_are_public"?: boolean;
          "id"?: never;
          "image_path"?: string | null;
          "image_url"?: string | null;
          "imported_from"?: string | null;
          "job_id"?: string;
          "kind"?: string;
          "model_id": string;
          "node_id"?: string | null;
          "progress_percent"?: number;
          "prompt": string;
          "provider": NonNullable<Json>;
          "queue_position"?: number | null;
          "seconds"?: number;
          "settings"?: NonNullable<Json>;
          "skipped_extras"?: (string)[];
          "stage"?: string;
          "status"?: string;
          "step"?: number;
          "step_names"?: (string)[];
          "steps"?: number;
          "subtitles_path"?: string | null;
          "tail_image_path"?: string | null;
          "tail_image_url"?: string | null;
          "thumbnail_path"?: string | null;
          "thumbnail_url"?: string | null;
          "updated_at": string;
          "user_id": string;
          "video_path"?: string | null;
          "video_url"?: string | null;
        };
        Update: {
          "attempts"?: number;
          "completed_at"?: string | null;
          "created_at"?: string;
          "credits_refunded"?: number;
          "credits_used"?: number;
          "error_code"?: string | null;
          "error_message"?: string | null;
          "expected_at"?: string | null;
          "files_are_public"?: boolean;
          "id"?: never;
          "image_path"?: string | null;
          "image_url"?: string | null;
          "imported_from"?: string | null;
          "job_id"?: string;
          "kind"?: string;
          "model_id"?: string;
          "node_id"?: string | null;
          "progress_percent"?: number;
          "prompt"?: string;
          "provider"?: NonNullable<Json>;
          "queue_position"?: number | null;
          "seconds"?: number;
          "settings"?: NonNullable<Json>;
          "skipped_extras"?: (string)[];
          "stage"?: string;
          "status"?: string;
          "step"?: number;
          "step_names"?: (string)[];
          "steps"?: number;
          "subtitles_path"?: string | null;
          "tail_image_path"?: string | null;
          "tail_image_url"?: string | null;
          "thumbnail_path"?: string | null;
          "thumbnail_url"?: string | null;
          "updated_at"?: string;
          "user_id"?: string;
          "video_path"?: string | null;
          "video_url"?: string | null;
        };
        Relationships: [
          {
            foreignKeyName: "video_jobs_model_id_fkey";
            columns: ["model_id"];
            isOneToOne: false;
            referencedRelation: "models";
            referencedColumns: ["id"];
          },
          {
            foreignKeyName: "video_jobs_user_id_fkey";
            columns: ["user_id"];
            isOneToOne: false;
            referencedRelation: "credit_balances";
            referencedColumns: ["user_id"];
          },
        ];
      };
    };
    Views: {
      [_ in never]: never;
    };
    Functions: {
      "add_credits": {
        Args: {
          "p_amount": number;
          "p_job_id"?: string;
          "p_reason": string;
          "p_transaction_id"?: string;
          "p_user_id": string;
        };
        Returns: Json;
      };
      "adopt_run": {
        Args: { "p_attempt": number; "p_job_id": string; "p_lease_seconds"?: number; "p_provider_job_id": string };
        Returns: Json;
      };
      "advance_step": {
        Args: {
          "p_attempt": number;
          "p_job_id": string;
          "p_lease_seconds"?: number;
          "p_leaves_copy"?: boolean;
          "p_media": Json;
        };
        Returns: Json;
      };
      "audit_credits": {
        Args: Record<PropertyKey, never>;
        Returns: {
          "detail": string;
          "job_id": string;
          "problem": string;
          "user_id": string;
        }[];
      };
      "audit_next_users": { Args: { "p_entries"?: number; "p_limit"?: number }; Returns: Json };
      "audit_recent": { Args: { "p_after_id"?: number; "p_limit"?: number }; Returns: Json };
      "cancel_job": {
        Args: { "p_job_id": string; "p_lease_seconds"?: number; "p_run_states"?: Json; "p_user_id": string };
        Returns: Json;
      };
      "changed_videos": {
        Args: {
          "p_after_job_id"?: string;
          "p_after_microseconds"?: number;
          "p_limit": number;
          "p_since_ms": number;
          "p_status"?: string;
          "p_until_ms"?: number;
          "p_user_id": string;
        };
        Returns: Json;
      };
      "complete_job": {
        Args: {
          "p_attempt": number;
          "p_copy_again_after_seconds"?: number;
          "p_job_id": string;
          "p_subtitles_path"?: string;
          "p_told"?: boolean;
          "p_video_bytes"?: number;
          "p_video_path"?: string;
        };
        Returns: Json;
      };
      "deduct_credits": {
        Args: { "p_amount": number; "p_job_id"?: string; "p_reason"?: string; "p_user_id": string };
        Returns: Json;
      };
      "delete_expired_uploads": { Args: { "p_limit": number }; Returns: number };
      "delete_expired_videos": { Args: { "p_limit": number }; Returns: number };
      "delete_finished_videos": { Args: { "p_limit": number; "p_user_id": string }; Returns: number };
      "delete_videos": { Args: { "p_job_ids": (string)[]; "p_run_states"?: Json; "p_user_id": string }; Returns: Json };
      "erase_account": { Args: { "p_user_id": string }; Returns: undefined };
      "fail_job": {
        Args: {
          "p_attempt": number;
          "p_error_code": string;
          "p_error_message": string;
          "p_job_id": string;
          "p_refund_reason"?: string;
          "p_response"?: Json;
          "p_told"?: boolean;
        };
        Returns: Json;
      };
      "give_up_thumbnail": {
        Args: { "p_attempt": number; "p_job_id": string; "p_run_is_over"?: boolean };
        Returns: undefined;
      };
      "grant_welcome_credits": { Args: Record<PropertyKey, never>; Returns: number };
      "health": { Args: Record<PropertyKey, never>; Returns: Json };
      "identify_user": { Args: { "p_email"?: string; "p_issuer": string; "p_subject": string }; Returns: string };
      "import_credits": { Args: { "p_credits": Json; "p_source": string }; Returns: Json };
      "import_problems": { Args: { "p_lines": Json; "p_source": string }; Returns: Json };
      "import_users": { Args: { "p_source": string; "p_users": Json }; Returns: Json };
      "import_videos": { Args: { "p_copy"?: boolean; "p_source": string; "p_videos": Json }; Returns: Json };
      "lease_due_jobs": {
        Args: { "p_copies"?: number; "p_due_at"?: string; "p_lease_seconds"?: number; "p_limit": number };
        Returns: Json[];
      };
      "lease_due_thumbnails": { Args: { "p_lease_seconds"?: number; "p_limit": number }; Returns: Json[] };
      "lease_job": { Args: { "p_job_id": string; "p_lease_seconds"?: number }; Returns: Json };
      "lease_runs_to_cancel": { Args: { "p_limit": number }; Returns: Json[] };
      "leave_projects": { Args: { "p_user_id": string }; Returns: undefined };
      "list_files_of_user": {
        Args: { "p_after_bucket"?: string; "p_after_path"?: string; "p_limit": number; "p_user_id": string };
        Returns: Json;
      };
      "list_files_to_delete": { Args: { "p_limit": number }; Returns: Json };
      "list_videos": {
        Args: {
          "p_before_job_id"?: string;
          "p_before_microseconds"?: number;
          "p_limit": number;
          "p_node_id"?: string;
          "p_status"?: string;
          "p_user_id": string;
        };
        Returns: Json;
      };
      "my_limits": { Args: Record<PropertyKey, never>; Returns: Json };
      "open_attempt": { Args: { "p_attempt": number; "p_job_id": string; "p_lease_seconds"?: number }; Returns: Json };
      "postpone": { Args: { "p_attempt": number; "p_delay_seconds"?: number; "p_job_id": string }; Returns: Json };
      "postpone_file": { Args: { "p_bucket": string; "p_path": string }; Returns: undefined };
      "postpone_thumbnail": {
        Args: { "p_attempt": number; "p_delay_seconds": number; "p_job_id": string; "p_run_is_over"?: boolean };
        Returns: undefined;
      };
      "purge_alerts": { Args: { "p_limit": number }; Returns: number };
      "purge_expired": { Args: { "p_limit"?: number }; Returns: Json };
      "purge_tombstones": { Args: { "p_limit": number }; Returns: number };
      "quote_generation": { Args: { "p_model_id": string; "p_settings"?: Json }; Returns: Json };
      "read_account": { Args: { "p_user_id": string }; Returns: Json };
      "read_job": {
        Args: { "p_job_id"?: string; "p_lease_seconds"?: number; "p_node_id"?: string; "p_user_id": string };
        Returns: Json;
      };
      "read_node_job": {
        Args: { "p_job_id"?: string; "p_lease_seconds"?: number; "p_node_id"?: string; "p_user_id": string };
        Returns: Json;
      };
      "read_share": { Args: { "p_token": string }; Returns: Json };
      "record_alerts": { Args: { "p_alerts": Json }; Returns: undefined };
      "record_cancelled_run": { Args: { "p_provider": string; "p_provider_job_id": string }; Returns: undefined };
      "record_checked_upload": {
        Args: { "p_is_as_declared": boolean; "p_path": string; "p_version": string };
        Returns: undefined;
      };
      "record_deleted_files": { Args: { "p_files": Json }; Returns: undefined };
      "record_looks": { Args: { "p_looks": Json }; Returns: Json[] };
      "record_progress": {
        Args: {
          "p_attempt": number;
          "p_job_id": string;
          "p_percent"?: number;
          "p_queue_position"?: number;
          "p_stage": string;
        };
        Returns: Json;
      };
      "record_provider_answer": {
        Args: { "p_answer": string; "p_job_id": string; "p_provider": string };
        Returns: boolean;
      };
      "record_stored_video": {
        Args: {
          "p_job_id": string;
          "p_subtitles_path"?: string;
          "p_thumbnail_path"?: string;
          "p_video_bytes"?: number;
          "p_video_path": string;
        };
        Returns: Json;
      };
      "record_submission": {
        Args: { "p_attempt": number; "p_job_id": string; "p_provider_job_id": string };
        Returns: Json;
      };
      "record_thumbnail": {
        Args: { "p_attempt": number; "p_job_id": string; "p_path"?: string; "p_url": string };
        Returns: Json;
      };
      "record_thumbnail_run": {
        Args: { "p_attempt": number; "p_job_id": string; "p_provider_job_id": string };
        Returns: boolean;
      };
      "rejoin_projects": { Args: { "p_user_id": string }; Returns: undefined };
      "revoke_shares": { Args: { "p_job_id": string; "p_share_id"?: string; "p_user_id": string }; Returns: number };
      "schedule_retry": { Args: { "p_attempt": number; "p_delay_seconds": number; "p_job_id": string }; Returns: Json };
      "share_video": {
        Args: { "p_expires_in_seconds"?: number; "p_job_id": string; "p_title"?: string; "p_user_id": string };
        Returns: Json;
      };
      "skip_step": {
        Args: { "p_attempt": number; "p_job_id": string; "p_lease_seconds"?: number; "p_leaves_copy"?: boolean };
        Returns: Json;
      };
      "start_generation": {
        Args: {
          "p_batch_since"?: string;
          "p_idempotency_key": string;
          "p_key_seconds"?: number;
          "p_lease_seconds"?: number;
          "p_request": Json;
          "p_request_hash": string;
          "p_sibling_keys"?: (string)[];
          "p_user_id": string;
        };
        Returns: Json;
      };
      "start_upload": { Args: { "p_content_type": string; "p_user_id": string }; Returns: Json };
      "timings_by_model": {
        Args: { "p_limit"?: number; "p_window"?: string };
        Returns: {
          "generating_median": number;
          "generating_p95": number;
          "jobs": number;
          "jobs_told": number;
          "model": string;
          "provider": string;
          "provider_model": string;
          "queued_median": number;
          "queued_p95": number;
          "status": string;
          "steps": number;
          "storing_median": number;
          "storing_p95": number;
          "told_median": number;
          "told_p95": number;
          "total_median": number;
          "total_p95": number;
        }[];
      };
      "wake_job": {
        Args: { "p_attempt": number; "p_job_id": string; "p_lease_seconds"?: number; "p_provider_job_id": string };
        Returns: Json;
      };
      "wake_run": {
        Args: { "p_lease_seconds"?: number; "p_provider": string; "p_provider_job_id": string };
        Returns: Json;
      };
    };
    Enums: {
      [_ in never]: never;
    };
    CompositeTypes: {
      [_ in never]: never;
    };
  };
};

type DatabaseWithoutInternals = Omit<Database, "__InternalSupabase">;

type DefaultSchema = DatabaseWithoutInternals[Extract<keyof Database, "public">];

export type Tables<
  DefaultSchemaTableNameOrOptions extends
    | keyof (DefaultSchema["Tables"] & DefaultSchema["Views"])
    | { schema: keyof DatabaseWithoutInternals },
  TableName extends DefaultSchemaTableNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
  } ? keyof (
      & DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"]
      & DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Views"]
    )
    : never = never,
> = DefaultSchemaTableNameOrOptions extends { schema: keyof DatabaseWithoutInternals } ? (
    & DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"]
    & DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Views"]
  )[TableName] extends {
    Row: infer R;
  } ? R
  : never
  : DefaultSchemaTableNameOrOptions extends keyof (DefaultSchema["Tables"] & DefaultSchema["Views"])
    ? (DefaultSchema["Tables"] & DefaultSchema["Views"])[DefaultSchemaTableNameOrOptions] extends {
      Row: infer R;
    } ? R
    : never
  : never;

export type TablesInsert<
  DefaultSchemaTableNameOrOptions extends
    | keyof DefaultSchema["Tables"]
    | { schema: keyof DatabaseWithoutInternals },
  TableName extends DefaultSchemaTableNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
  } ? keyof DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"]
    : never = never,
> = DefaultSchemaTableNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"][TableName] extends {
    Insert: infer I;
  } ? I
  : never
  : DefaultSchemaTableNameOrOptions extends keyof DefaultSchema["Tables"]
    ? DefaultSchema["Tables"][DefaultSchemaTableNameOrOptions] extends {
      Insert: infer I;
    } ? I
    : never
  : never;

export type TablesUpdate<
  DefaultSchemaTableNameOrOptions extends
    | keyof DefaultSchema["Tables"]
    | { schema: keyof DatabaseWithoutInternals },
  TableName extends DefaultSchemaTableNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
  } ? keyof DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"]
    : never = never,
> = DefaultSchemaTableNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"][TableName] extends {
    Update: infer U;
  } ? U
  : never
  : DefaultSchemaTableNameOrOptions extends keyof DefaultSchema["Tables"]
    ? DefaultSchema["Tables"][DefaultSchemaTableNameOrOptions] extends {
      Update: infer U;
    } ? U
    : never
  : never;

export type Enums<
  DefaultSchemaEnumNameOrOptions extends
    | keyof DefaultSchema["Enums"]
    | { schema: keyof DatabaseWithoutInternals },
  EnumName extends DefaultSchemaEnumNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
  } ? keyof DatabaseWithoutInternals[DefaultSchemaEnumNameOrOptions["schema"]]["Enums"]
    : never = never,
> = DefaultSchemaEnumNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? DatabaseWithoutInternals[DefaultSchemaEnumNameOrOptions["schema"]]["Enums"][EnumName]
  : DefaultSchemaEnumNameOrOptions extends keyof DefaultSchema["Enums"]
    ? DefaultSchema["Enums"][DefaultSchemaEnumNameOrOptions]
  : never;

export type CompositeTypes<
  PublicCompositeTypeNameOrOptions extends
    | keyof DefaultSchema["CompositeTypes"]
    | { schema: keyof DatabaseWithoutInternals },
  CompositeTypeName extends PublicCompositeTypeNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
  } ? keyof DatabaseWithoutInternals[PublicCompositeTypeNameOrOptions["schema"]]["CompositeTypes"]
    : never = never,
> = PublicCompositeTypeNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? DatabaseWithoutInternals[PublicCompositeTypeNameOrOptions["schema"]]["CompositeTypes"][CompositeTypeName]
  : PublicCompositeTypeNameOrOptions extends keyof DefaultSchema["CompositeTypes"]
    ? DefaultSchema["CompositeTypes"][PublicCompositeTypeNameOrOptions]
  : never;

export const Constants = {
  "public": {
    Enums: {},
  },
} as const;
