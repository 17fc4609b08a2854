//! Small mathematics shared by the file side and the picture side; pure functions, no state.
