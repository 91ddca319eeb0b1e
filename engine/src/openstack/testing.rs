//! Stand-ins for the tests of this room.
