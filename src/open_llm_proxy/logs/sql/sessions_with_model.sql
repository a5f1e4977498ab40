-- Sessions in which a model took part whose name holds $model, in any case.
(SELECT * FROM sessions WHERE session_key IN (SELECT session_key FROM turns WHERE contains(lower(model), lower($model)))) AS sessions
