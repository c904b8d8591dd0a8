#!lua
-- Whether Redis takes writes: if its memory is full, it refuses this script like any other that may write.
--
-- Returns 1.
return 1
