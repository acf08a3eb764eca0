//! Scores rows of three classes, and shows what a label out of range comes to.
mod numloss;

fn main() -> Result<(), numloss::Error> {
    let logits = [2.0f32, 0.5, -1.0, 0.0, 1.0, 3.0];
    let mut gradient = [0.0f32; 6];

    let value = numloss::cross_entropy(&logits, &[0, 1], 3, &mut gradient)?;
    print!("{value:?}");
    for x in gradient {
        print!(" {x:?}");
    }
    println!();

    match numloss::cross_entropy(&logits, &[0, 3], 3, &mut gradient) {
        Err(error) => {
            assert_eq!(error.status, numloss::ELEMENT);
            println!("refused: {error}");
        }
        Ok(_) => panic!("a label out of range was read"),
    }
    Ok(())
}
