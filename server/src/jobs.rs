//! Background loops: started by `serve`, cancelled on shutdown.
