-- Whose languages, skills or tier change may now be given what their hand-out has passed over: it looks
-- again from the first seat on, and for hidden items. Other changes of a membership do not come here.
CREATE OR REPLACE FUNCTION tandem_look_again() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.queue_cursor := -1;
    NEW.reopened_cursor := 0;
    NEW.ranked_cursor := -(1::bigint << 62);
    UPDATE annotate_standing s SET gold_spent = false WHERE s.membership_id = NEW.id AND s.gold_spent;
    RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER membership_looks_again
BEFORE UPDATE OF languages, skills, tier ON annotate_membership FOR EACH ROW
WHEN (OLD.languages IS DISTINCT FROM NEW.languages OR OLD.skills IS DISTINCT FROM NEW.skills
      OR OLD.tier IS DISTINCT FROM NEW.tier)
EXECUTE FUNCTION tandem_look_again();
