//! `keyvalue`: values that filters share for a while.

use crate::bindings::refrain::filter::keyvalue::{self, KvError};
use crate::state::State;

type Kept<T = ()> = wasmtime::Result<Result<T, KvError>>;

impl keyvalue::Host for State {
    fn get(&mut self, bucket: u32, key: String) -> wasmtime::Result<Option<Vec<u8>>> {
        Ok(self.registered.bucket(bucket)?.get(&key, self.now_ms))
    }

    fn set(&mut self, bucket: u32, key: String, value: Vec<u8>, ttl_s: u32) -> Kept {
        self.charge(key.len() + value.len())?;
        let bucket = self.registered.bucket(bucket)?;
        Ok(bucket.set(&key, value, ttl_s, self.now_ms).map_err(KvError::from))
    }

    fn delete(&mut self, bucket: u32, key: String) -> wasmtime::Result<()> {
        self.registered.bucket(bucket)?.delete(&key);
        Ok(())
    }

    fn increment(&mut self, bucket: u32, key: String, by: i64, ttl_s: u32) -> Kept<i64> {
        self.charge(key.len())?;
        let bucket = self.registered.bucket(bucket)?;
        Ok(bucket.increment(&key, by, ttl_s, self.now_ms).map_err(KvError::from))
    }
}
