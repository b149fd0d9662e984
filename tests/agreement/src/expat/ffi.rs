//! The few functions of expat's `expat.h` that are needed, by hand.

use std::ffi::{c_char, c_int, c_void};

pub(super) type StartElement = unsafe extern "C" fn(*mut c_void, *const c_char, *const *const c_char);
pub(super) type EndElement = unsafe extern "C" fn(*mut c_void, *const c_char);
pub(super) type CharacterData = unsafe extern "C" fn(*mut c_void, *const c_char, c_int);
pub(super) type Instruction = unsafe extern "C" fn(*mut c_void, *const c_char, *const c_char);
pub(super) type Comment = unsafe extern "C" fn(*mut c_void, *const c_char);
pub(super) type StartDoctype = unsafe extern "C" fn(*mut c_void, *const c_char, *const c_char, *const c_char, c_int);

/// `XML_STATUS_OK`
pub(super) const STATUS_OK: c_int = 1;

#[link(name = "expat")]
unsafe extern "C" {
    pub(super) fn XML_ParserCreateNS(encoding: *const c_char, separator: c_char) -> *mut c_void;
    pub(super) fn XML_ParserFree(parser: *mut c_void);
    pub(super) fn XML_SetUserData(parser: *mut c_void, data: *mut c_void);
    pub(super) fn XML_SetReturnNSTriplet(parser: *mut c_void, on: c_int);
    pub(super) fn XML_SetElementHandler(parser: *mut c_void, start: Option<StartElement>, end: Option<EndElement>);
    pub(super) fn XML_SetCharacterDataHandler(parser: *mut c_void, handler: Option<CharacterData>);
    pub(super) fn XML_SetProcessingInstructionHandler(parser: *mut c_void, handler: Option<Instruction>);
    pub(super) fn XML_SetCommentHandler(parser: *mut c_void, handler: Option<Comment>);
    pub(super) fn XML_SetStartDoctypeDeclHandler(parser: *mut c_void, handler: Option<StartDoctype>);
    pub(super) fn XML_Parse(parser: *mut c_void, bytes: *const c_char, length: c_int, is_final: c_int) -> c_int;
    pub(super) fn XML_GetErrorCode(parser: *mut c_void) -> c_int;
    pub(super) fn XML_ErrorString(code: c_int) -> *const c_char;
}
