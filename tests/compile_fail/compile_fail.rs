//! Every wrong use of the attribute is an error at the user's token that says what to write.

#[test]
fn wrong_uses_are_refused() {
    trybuild::TestCases::new().compile_fail("ui/*.rs");
}
