//! Security events and what receivers ask: any bytes are refused or understood, and what is understood is
//! written as it was read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sealgate_oauth::signals::{
    PollRequest, Set, StatusRequest, StreamRequest, Subject, SubjectRequest,
    VerificationRequest,
};

fuzz_target!(|bytes: &[u8]| {
    let _ = (
        StreamRequest::parse(bytes),
        StatusRequest::parse(bytes),
        SubjectRequest::parse(bytes),
        VerificationRequest::parse(bytes),
        PollRequest::parse(bytes),
    );
    if let Ok(subject) = Subject::parse(bytes) {
        assert_eq!(Subject::read(&subject.to_json()), Ok(subject));
    }
    if let Ok(set) = Set::parse(bytes) {
        let text = set.to_json().to_string();
        assert_eq!(Set::parse(text.as_bytes()), Ok(set));
    }
});
