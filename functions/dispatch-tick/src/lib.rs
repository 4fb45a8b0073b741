//! One turn of the Ralph loop.
