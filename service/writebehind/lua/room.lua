#!lua
-- Whether Redis takes writes: where its memory is full, it refuses this script like any that may write.
--
-- Returns 1.
return 1
