//! Every rule of DiffRules.jl 1.15 (`data/diffrules.tsv`) is here, found by its key there and by its name here.

use difrules_core::find;
use difrules_core::registry::Partial;

#[test]
fn every_rule_is_registered_by_its_key() {
    let mut missing = Vec::new();
    let mut rules = 0;
    for line in include_str!("data/diffrules.tsv").lines().skip(2) {
        let [module, function, arity, name] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        let arity = arity.parse().expect("a number");
        rules += 1;
        match find(&format!("{module}.{function}"), arity) {
            Ok(record) if record.name == name => {
                // A function of complex values has rules, and their formulas, too.
                let derivatives =
                    record.partials.iter().filter(|p| !matches!(p, Partial::Constant));
                let known = derivatives.clone().any(|partial| matches!(partial, Partial::Known(_)));
                let no_code = derivatives.clone().all(|partial| *partial != Partial::Code);
                if !(record.forward && record.reverse && known && no_code) {
                    missing.push(format!("{line}: a rule of {} is missing", record.path));
                }
            }
            found => missing.push(format!("{line}: {:?}", found.map(|record| record.path))),
        }
    }
    assert_eq!(rules, 153);
    assert!(missing.is_empty(), "{missing:#?}");
}
