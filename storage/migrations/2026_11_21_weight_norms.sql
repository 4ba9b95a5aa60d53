-- How heavy what is learnt has become, measured with the validation loss.
ALTER TABLE losses ADD COLUMN weight_norm REAL;
